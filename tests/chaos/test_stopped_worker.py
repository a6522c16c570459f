"""A worker that stands still beyond its lease and comes back: what it says then changes nothing."""

from __future__ import annotations

import signal
import time
from typing import Final

import pytest

from tests.chaos.effects import settle, wait_for_runs
from tests.chaos.place import a_place, lease_seconds
from tests.fixtures.roles import Death
from tests.fixtures.server import WORKER
from tests.fixtures.waiting import wait_until

pytestmark = [
    pytest.mark.chaos(reason="it waits for several leases"),
    pytest.mark.needs("postgres"),
    pytest.mark.timeout(300),
]

JOBS: Final = 20
seconds: Final = 2.0


def test_worker_that_returns_after_its_lease_ends_no_job_twice() -> None:
    with a_place("stop") as place:
        work = place.work().functions(JOBS, name="leave_effect_on_the_loop", seconds=seconds)
        wait_for_runs(place.effects, JOBS)
        pid = place.roles.pid_of(WORKER)
        assert pid is not None
        stopped = Death(WORKER, pid, time.monotonic())
        place.roles.send(WORKER, signal.SIGSTOP)
        try:
            # The other worker has run to its end what was taken from this one.
            work.wait()
        finally:
            place.roles.send(WORKER, signal.SIGCONT)
        mine = sum(run.pid == pid for run in place.effects.runs())
        assert mine > 0, "the stopped worker held nothing"
        # It comes back, hears that its jobs are gone, and gives them up; or ends them for nobody.
        wait_until(
            lambda: "worker.connection_lost" in place.roles.log, seconds_max=60, what="its return"
        )
        wait_until(lambda: _rest(place.client.get("/workers")), seconds_max=60, what="its rest")
        more = place.work().functions(JOBS, seconds=0.05)
        more.wait()
        account = settle(
            "SIGSTOP of a worker",
            work,
            place.effects,
            place.books,
            lost=[stopped],
            lease_seconds=lease_seconds,
        )
        settle("after its return", more, place.effects, place.books, lease_seconds=lease_seconds)
        assert account.repeated == mine


def _rest(workers: dict[str, list[dict[str, object]]]) -> bool:
    return all(one["state"] == "connected" and not one["running"] for one in workers["items"])
