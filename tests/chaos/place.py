"""An installation on PostgreSQL whose jobs count their effects outside of its books."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from tests.chaos.books import PostgresBooks
from tests.chaos.effects import Effects, Work
from tests.fixtures.client import Client, log_in
from tests.fixtures.databases import a_database
from tests.fixtures.effects import MODULE
from tests.fixtures.owned import OwnServer
from tests.fixtures.roles import Roles
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.waiting import wait_until

lease_seconds: Final = 1.5
# Workers try their broker again every five seconds at least, and a lease has to outlast that.
broker_lease_seconds: Final = 8.0
start_seconds_max: Final = 60.0
SETTINGS: Final = {
    "worker.app": MODULE,
    "worker.max_concurrent_tasks": "20",
    "worker.heartbeat_interval_seconds": "0.3",
    "worker.stop_seconds_max": "2",
    "dispatcher.lease_seconds": str(lease_seconds),
    "jobs.isolation_default": "fork",
}


def carried_by(broker: OwnServer) -> dict[str, str]:
    """Return the settings with which `broker` carries jobs."""
    return {
        "message_queue.url": broker.url,
        "message_queue.carries_jobs": "true",
        "message_queue.task_queue": unique_name("tasks"),
        "message_queue.status_queue": unique_name("status"),
        "dispatcher.lease_seconds": str(broker_lease_seconds),
    }


class Place(Struct, frozen=True):
    """One installation, and how to look at it."""

    roles: Roles
    effects: Effects
    books: PostgresBooks
    client: Client
    url: str

    def work(self) -> Work:
        """Return the jobs of a new case."""
        return Work(self.client, self.effects)

    def connected(self) -> set[tuple[str, str]]:
        """Return the workers with the instants at which they registered."""
        workers = self.client.get("/workers")["items"]
        return {(one["id"], one["connected_at"]) for one in workers}


@contextlib.contextmanager
def a_place(
    part: str,
    *,
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    workers: int = 2,
    database: str | None = None,
) -> Iterator[Place]:
    """Run API, dispatcher and workers while the block lasts, all workers connected.

    Without the URL of a `database` they get one of their own.
    """
    directory = run_directory() / unique_name("e").removeprefix("tidemill_test_")
    directory.mkdir()
    effects = Effects(directory)
    with contextlib.ExitStack() as stack:
        url = database or stack.enter_context(a_database(part))
        wanted = {**SETTINGS, "database.url": url, "events.bus_prefix": unique_name("bus")}
        roles = Roles(
            settings={**wanted, **(settings or {})},
            environment={**effects.environment, **(environment or {})},
            workers=workers,
        )
        stack.enter_context(roles)
        client = stack.enter_context(log_in(roles.url))
        tenant = client.get("/tenants")["items"][0]["id"]
        place = Place(roles, effects, PostgresBooks(url, tenant), client, url)
        wait_until(
            lambda: len(place.connected()) == workers,
            seconds_max=start_seconds_max,
            what=f"{workers} connected workers",
        )
        yield place
