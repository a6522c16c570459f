"""The dispatcher that leads and a worker die in the same moment: what ran is rescued in time."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.books import SqliteBooks
from tests.chaos.effects import Effects, Work, settle, wait_for_runs
from tests.chaos.place import (
    SETTINGS,
    Place,
    a_place,
    carried_by,
    lease_seconds,
)
from tests.fixtures.client import log_in
from tests.fixtures.databases import rows
from tests.fixtures.owned import OwnNats, OwnRabbit, OwnServer
from tests.fixtures.roles import DISPATCHER, DISPATCHER_ROLE, SECRETS, Death
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.server import API, OWNER, WORKER, WORKER_ROLE, Server
from tests.fixtures.waiting import wait_until

pytestmark = [
    pytest.mark.chaos(reason="it waits for leases, and for the end of a leader's term"),
    pytest.mark.timeout(300),
]

JOBS: Final = 20
OTHER: Final = "elsewhere"
seconds: Final = 3.0
# With a shorter one, the leader's term and a lease together are no longer than a lease and 5 s.
long_lease_seconds: Final = 24.0
long_seconds: Final = 16.0
"""So long that the other worker is under way when it meets its new leader."""


@pytest.mark.needs("postgres")
def test_leader_that_dies_with_a_worker_delays_no_rescue_after_its_restart() -> None:
    with a_place("leader") as place:
        work = place.work().functions(JOBS, name="leave_effect_on_the_loop", seconds=seconds)
        wait_for_runs(place.effects, JOBS)
        place.roles.kill(DISPATCHER)
        place.roles.hold_down(WORKER)
        work.wait()
        _settled("leader and worker are killed, the leader comes back", place, work)


@pytest.mark.needs("postgres")
def test_leader_that_dies_with_a_worker_is_followed_in_time() -> None:
    with a_place("leaders", workers=1) as place, ExitStack() as stack:
        for server in _elsewhere(place):
            server.start(wait=False)
            stack.enter_context(server)
        wait_until(lambda: len(place.connected()) == 2, seconds_max=60, what="a second worker")
        _wait_to_be_led_by(place, DISPATCHER)
        work = place.work().functions(JOBS, name="leave_effect_on_the_loop", seconds=seconds)
        wait_for_runs(place.effects, JOBS)
        place.roles.hold_down(DISPATCHER, WORKER)
        work.wait()
        _settled("leader and worker are killed, another one follows", place, work)


@pytest.mark.needs("postgres")
@pytest.mark.parametrize("kind", [OwnNats, OwnRabbit])
def test_leader_that_dies_with_a_worker_behind_a_broker_is_followed_in_time(
    kind: type[OwnServer],
) -> None:
    lease = {"dispatcher.lease_seconds": str(long_lease_seconds)}
    with (
        kind() as broker,
        a_place("carried", workers=1, settings={**carried_by(broker), **lease}) as place,
        ExitStack() as stack,
    ):
        for server in _elsewhere(place):
            server.start(wait=False)
            stack.enter_context(server)
        wait_until(lambda: len(place.connected()) == 2, seconds_max=60, what="a second worker")
        _wait_to_be_led_by(place, DISPATCHER)
        work = place.work().functions(JOBS, name="leave_effect_on_the_loop", seconds=long_seconds)
        wait_for_runs(place.effects, JOBS)
        place.roles.hold_down(DISPATCHER, WORKER)
        work.wait()
        case = f"leader and worker behind {kind.name} are killed, another one follows"
        _settled(case, place, work, lease_seconds=long_lease_seconds)


def test_dispatcher_on_sqlite_that_dies_with_its_worker_delays_no_rescue() -> None:
    home = run_directory() / unique_name("e").removeprefix("tidemill_test_")
    home.mkdir()
    effects = Effects(home)
    settings = {**SETTINGS, "worker.worker_id": WORKER}
    server = Server(settings=settings, environment={**OWNER, **effects.environment})
    with server, log_in(server.url) as client:
        wait_until(lambda: client.get("/functions")["items"], seconds_max=60, what="the worker")
        tenant = client.get("/tenants")["items"][0]["id"]
        work = Work(client, effects)
        work.functions(JOBS, name="leave_effect_on_the_loop", seconds=seconds)
        wait_for_runs(effects, JOBS)
        pid = server.pid_of(WORKER)
        assert pid is not None
        assert server.kill(API)
        os.kill(pid, signal.SIGKILL)
        death = Death(WORKER, pid, time.monotonic())
        work.wait()
        settle(
            "dispatcher and worker are killed on SQLite",
            work,
            effects,
            SqliteBooks(server.data_dir, tenant),
            lost=[death],
            lease_seconds=lease_seconds,
        )


def _settled(case: str, place: Place, work: Work, *, lease_seconds: float = lease_seconds) -> None:
    lost = [death for death in place.roles.deaths if death.name == WORKER]
    account = settle(case, work, place.effects, place.books, lost=lost, lease_seconds=lease_seconds)
    assert account.repeated > 0


def _elsewhere(place: Place) -> tuple[Server, Server]:
    """Return a dispatcher and a worker of the same installation with a directory of their own."""
    settings = {**place.roles.settings, **SECRETS, "worker.worker_id": OTHER}
    directory = Path(place.roles.data_dir).with_name("elsewhere")
    return (
        Server(
            settings=settings,
            command=DISPATCHER_ROLE,
            environment=place.effects.environment,
            data_dir=directory,
        ),
        Server(
            settings=settings,
            command=WORKER_ROLE,
            environment=place.effects.environment,
            data_dir=directory,
        ),
    )


def _wait_to_be_led_by(place: Place, name: str) -> None:
    pid = place.roles.pid_of(name)
    wait_until(
        lambda: any(
            f":{pid}:" in holder
            for (holder,) in rows(place.url, "SELECT holder FROM leaders", "jobs")
        ),
        seconds_max=60,
        what=f"the lead of {name}",
    )
