"""A program on the schema of a Tidemill server: it works for the queue, and the server leads it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.databases import a_database, rows
from tests.fixtures.library import Shop
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.server import API_ROLE, Server
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.needs("postgres")

seconds_max = 60.0


@pytest.fixture(scope="module")
def directory() -> Path:
    made = run_directory() / unique_name("q").removeprefix("tidemill_test_")
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def client(directory: Path) -> Iterator[Client]:
    """Start a program's worker, and only then the server whose schema it uses."""
    with a_database("shared") as url:
        shop = Shop(url, "", directory)
        settings = {
            "auth.jwt_secret": "j" * 48,
            "audit.chain_key": "c" * 48,
            "database.url": url,
            "events.bus": "postgres",
        }
        with shop.worker_process():
            assert rows(url, "SELECT holder FROM leaders", "jobs") == []
            with (
                Server(command=API_ROLE, settings=settings) as server,
                log_in(server.url) as client,
            ):
                yield client


def test_worker_integration_on_a_servers_schema_leaves_its_schedules_to_the_server(
    client: Client,
) -> None:
    client.post("/scripts", {"path": "nothing", "language": "bash", "content": "true"})
    trigger = {"cron": "* * * * * *"}
    schedule = client.post(
        "/schedules", {"path": "beat", "script_path": "nothing", "trigger": trigger}
    )

    url = f"/schedules/{schedule['id']}/occurrences"
    wait_until(
        lambda: list(client.pages(url, state="started")), seconds_max=seconds_max, what="a run"
    )


def test_worker_integration_on_a_servers_schema_runs_what_the_server_moves_to_it(
    client: Client,
) -> None:
    body = {"function": "tests.fixtures.shop:double", "args": {"number": 21}}
    soon = datetime.now(UTC) + timedelta(seconds=1)

    job = client.post("/jobs", {**body, "run_at": soon.isoformat()})

    assert client.finished(job["id"], seconds_max=seconds_max)["result"] == 42
