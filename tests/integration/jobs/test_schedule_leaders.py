"""Two dispatchers on one PostgreSQL: the leader is killed, and the other goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.databases import a_database
from tests.fixtures.run import unique_name
from tests.fixtures.server import API_ROLE, SUPERVISOR, Server
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.needs("postgres")

takeover_seconds_max = 60.0


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    with a_database("leaders") as url, ExitStack() as stack:
        settings = {
            "auth.jwt_secret": "j" * 48,
            "audit.chain_key": "c" * 48,
            "database.url": url,
            "events.bus": "postgres",
            "events.bus_prefix": unique_name("bus"),
        }
        first = stack.enter_context(Server(command=API_ROLE, settings=settings))
        second = Server(command=API_ROLE, settings=settings, environment={})
        yield first, stack.enter_context(second)


@pytest.mark.full(reason="it waits for a term of leadership; terms have their own tests")
def test_schedule_leaders_integration_no_due_time_is_lost_or_doubled(
    servers: tuple[Server, Server],
) -> None:
    leader, other = servers
    with log_in(leader.url) as client:
        made = _a_schedule(client)
        token = client.token
    url = f"/schedules/{made['id']}"
    with Client(other.url, token) as client:
        wait_until(lambda: len(_started(client, url)) >= 3, seconds_max=60, what="runs")

        leader.kill(SUPERVISOR)
        before = len(_started(client, url))
        wait_until(
            lambda: len(_started(client, url)) > before + 1,
            seconds_max=takeover_seconds_max,
            what="runs that the other one starts",
        )
        client.post(f"{url}/pause", {})
        found = sorted(client.pages(f"{url}/occurrences"), key=lambda one: str(one["due_at"]))
        jobs = [job["id"] for job in client.pages("/jobs")]

    dues = [datetime.fromisoformat(one["due_at"]).timestamp() for one in found]
    assert {round(later - earlier, 3) for earlier, later in pairwise(dues)} == {1.0}
    assert sorted(one["job_id"] for one in found if one["job_id"]) == sorted(jobs)
    assert len(jobs) == len(set(jobs))


def _a_schedule(client: Client) -> dict[str, Any]:
    content = "def main():\n    pass\n"
    client.post("/scripts", {"path": "nothing", "language": "python", "content": content})
    schedule = {
        "path": "beat",
        "script_path": "nothing",
        "trigger": {"cron": "* * * * * *"},
        "overlap": "allow",
    }
    return dict(client.post("/schedules", schedule))


def _started(client: Client, url: str) -> list[dict[str, Any]]:
    return list(client.pages(f"{url}/occurrences", state="started"))
