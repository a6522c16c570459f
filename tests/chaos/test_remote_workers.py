"""Kills between a dispatcher and its workers on other machines: nothing lost, nothing twice.

Each run of a job adds a line to a file outside of our stores.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.remote import (
    RemoteServer,
    RemoteWorker,
    python_worker,
    remote_server,
    started,
)
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.chaos(reason="kills dispatchers and workers for half a minute each")

JOBS: Final = 60
KILLS: Final = 3
seconds_max: Final = 90.0


class Far:
    """A server, two workers far away, and the file of effects."""

    def __init__(
        self, remote: RemoteServer, workers: list[RemoteWorker], owner: Client, effects: Path
    ) -> None:
        self.remote = remote
        self.workers = workers
        self.owner = owner
        self._effects = effects

    def enqueue(self) -> list[str]:
        """Start jobs of some tenths of a second."""
        content = f"sleep 0.$((RANDOM % 7 + 2))\necho $TIDEMILL_JOB_ID >> {self._effects}\necho 1"
        body = {"language": "bash", "content": content, "tag": "far", "attempts_max": 1}
        return [str(self.owner.post("/jobs", body)["id"]) for _ in range(JOBS)]

    def effects(self) -> Counter[str]:
        """Return how often each job has run to its end."""
        return Counter(self._effects.read_text().split() if self._effects.exists() else ())

    def wait_for_effects(self, count: int) -> None:
        """Return once so many runs have ended."""
        wait_until(
            lambda: self.effects().total() >= count, seconds_max=seconds_max, what="some effects"
        )

    def ended(self, jobs: list[str]) -> list[dict[str, Any]]:
        """Return the jobs once all of them have ended."""
        for job in jobs:
            self.owner.finished(job, seconds_max=seconds_max)
        return [self.owner.get(f"/jobs/{job}") for job in jobs]


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    with ExitStack() as stack:
        remote = stack.enter_context(remote_server({"jobs.isolation_default": "fork"}))
        owner = stack.enter_context(log_in(remote.server.url))
        token = remote.token_file(owner, "far", tags=["far"])
        workers = [python_worker(remote, f"far-{number}", token, "far") for number in (1, 2)]
        for worker in workers:
            stack.enter_context(started(worker, owner))
        tmp_path.chmod(0o777)
        yield Far(remote, workers, owner, tmp_path / "effects")


def test_dispatcher_that_is_killed_makes_no_job_of_a_remote_worker_run_twice(far: Far) -> None:
    jobs = far.enqueue()
    for kill in range(1, KILLS + 1):
        far.wait_for_effects(kill * JOBS // (KILLS + 2))
        far.remote.server.kill()
        far.remote.server.start()

    ended = far.ended(jobs)

    assert Counter(job["state"] for job in ended) == {"succeeded": JOBS}
    assert far.effects() == Counter(dict.fromkeys(jobs, 1))
    # What a dispatcher had claimed and could not send any more never reached its worker.
    unsent = sum(job["attempts"] - 1 for job in ended)
    print(f"{JOBS} jobs, {KILLS} kills: {unsent} claims were not sent, {JOBS} effects, 0 lost")
    assert unsent == sum(job["rescues"] for job in ended)


def test_remote_worker_that_is_killed_explains_every_job_that_ran_twice(far: Far) -> None:
    jobs = far.enqueue()
    for kill in range(1, KILLS + 1):
        far.wait_for_effects(kill * JOBS // (KILLS + 2))
        worker = far.workers[kill % 2]
        worker.end(signal.SIGKILL)
        worker.start()

    ended = far.ended(jobs)
    effects = far.effects()

    assert Counter(job["state"] for job in ended) == {"succeeded": JOBS}
    assert all(1 <= effects[job["id"]] <= job["attempts"] for job in ended)
    again = sum(job["rescues"] for job in ended)
    print(f"{JOBS} jobs, {KILLS} kills: {again} rescues, {effects.total()} effects, 0 lost")
    slots = 4
    assert again <= KILLS * slots
