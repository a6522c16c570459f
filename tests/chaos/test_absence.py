"""API and dispatcher are away for three leases while fifty long jobs run: none runs again."""

from __future__ import annotations

import threading
from typing import Final

import pytest

from tests.chaos.effects import settle, wait_for_runs
from tests.chaos.place import a_place, lease_seconds
from tests.fixtures.roles import DISPATCHER
from tests.fixtures.server import API, WORKER

pytestmark = [
    pytest.mark.chaos(reason="fifty jobs take longer than three leases"),
    pytest.mark.needs("postgres"),
    pytest.mark.timeout(300),
]

JOBS: Final = 50
away_seconds: Final = 3 * lease_seconds + 0.5


def test_no_job_runs_again_after_an_absence_of_three_leases() -> None:
    settings = {"worker.max_concurrent_tasks": str(JOBS)}
    with a_place("absence", settings=settings) as place:
        # Some end while nobody listens, and some after the dispatcher is back.
        work = place.work()
        for number in range(JOBS // 5):
            seconds = 3 + number * 0.6
            work.functions(4, name="leave_effect_on_the_loop", seconds=seconds)
            work.scripts(1, seconds=seconds)
        wait_for_runs(place.effects, JOBS)
        workers = {name: place.roles.pid_of(name) for name in (WORKER, f"{WORKER}-2")}
        place.roles.hold_down(API, DISPATCHER)
        done = place.effects.count(done=True)
        threading.Event().wait(away_seconds)  # The absence itself.
        ended_meanwhile = place.effects.count(done=True) - done
        place.roles.let_up()
        place.roles.wait_ready()
        work.wait()
        assert ended_meanwhile > 0
        assert workers == {name: place.roles.pid_of(name) for name in workers}
        account = settle(
            f"API and dispatcher away for {away_seconds} s",
            work,
            place.effects,
            place.books,
            lease_seconds=lease_seconds,
        )
        assert (account.repeated, account.claims) == (0, JOBS)
