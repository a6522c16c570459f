"""API and dispatcher are away for three leases while twenty long jobs run: none runs again."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import pytest

from tests.chaos.story import SETTINGS
from tests.fixtures.client import Client, log_in
from tests.fixtures.server import API_ROLE, WORKER_ROLE, Server
from tests.fixtures.waiting import wait_until

JOBS: Final = 20
lease_seconds: Final = 1.0
_LONG: Final = """
import time
def main(seconds: float) -> str:
    print("began", flush=True)
    time.sleep(seconds)
    return "ended"
"""


@pytest.fixture
def api() -> Iterator[Server]:
    settings = {**SETTINGS, "dispatcher.lease_seconds": str(lease_seconds)}
    with Server(settings=settings, command=API_ROLE) as server:
        yield server


@pytest.fixture
def worker(api: Server) -> Iterator[Server]:
    settings = {**SETTINGS, "worker.max_concurrent_tasks": str(JOBS)}
    server = Server(settings=settings, command=WORKER_ROLE, environment={}, data_dir=api.data_dir)
    server.start(wait=False)
    with server:
        yield server


def test_jobs_are_not_run_again_after_an_absence_of_three_leases(
    api: Server, worker: Server
) -> None:
    with log_in(api.url) as client:
        # Some end while nobody listens, and some after the dispatcher is back.
        jobs = [_start(client, seconds=5 + number * 0.2) for number in range(JOBS)]
        wait_until(lambda: _running(client) == JOBS, seconds_max=30, what=f"{JOBS} running jobs")
        assert api.kill()
        threading.Event().wait(3 * lease_seconds)  # The absence itself.
        assert worker.is_running
        api.start()
        ends = [client.finished(job["id"]) for job in jobs]
        assert [end["state"] for end in ends] == ["succeeded"] * JOBS
        assert {end["result"] for end in ends} == {"ended"}
        logs = [client.get(f"/jobs/{job['id']}/logs")["text"] for job in jobs]
        assert {text.count("began") for text in logs} == {1}

    with closing(sqlite3.connect(f"file:{api.data_dir}/jobs.db?mode=ro", uri=True)) as books:
        rows = books.execute("SELECT attempts, rescues, epoch FROM job_history").fetchall()
    assert rows == [(1, 0, 1)] * JOBS


def _start(client: Client, *, seconds: float) -> dict[str, Any]:
    body = {"language": "python", "content": _LONG, "args": {"seconds": seconds}}
    return dict(client.post("/jobs", body))


def _running(client: Client) -> int:
    return len(client.get("/jobs", state="running", limit=200)["items"])
