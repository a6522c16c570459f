"""A job that takes its worker along each time ends, and no other job ends with it."""

from __future__ import annotations

from typing import Final

import pytest

from tests.chaos.effects import settle
from tests.chaos.place import a_place, lease_seconds
from tests.fixtures.server import WORKER

pytestmark = [
    pytest.mark.chaos(reason="five workers die one after the other"),
    pytest.mark.needs("postgres"),
    pytest.mark.timeout(300),
]

JOBS: Final = 30


def test_poison_job_fails_after_its_rescues_and_takes_no_other_job_along() -> None:
    with a_place("poison") as place:
        work = place.work().functions(JOBS // 2, seconds=0.2)
        poison = work.one("take_the_worker_along")
        work.functions(JOBS - JOBS // 2, seconds=0.2)
        work.wait(seconds_max=120)
        (number,) = [number for number, id_ in work.ids.items() if id_ == poison]
        end = place.client.get(f"/jobs/{poison}")
        tries = [run for run in place.effects.runs() if run.number == number]
        killed = [death for death in place.roles.deaths if death.name.startswith(WORKER)]
        assert end["state"] == "failed", end
        assert end["error"]["type"] == "WorkerLost"
        assert end["rescues"] == len(tries) == len({run.pid for run in tries}) == 5
        assert {run.pid for run in tries} <= {death.pid for death in killed}
        del work.ids[number]
        settle(
            "a poison job beside others",
            work,
            place.effects,
            place.books,
            lost=killed,
            lease_seconds=lease_seconds,
            # What was lost for the second time waits up to four seconds, and both workers may be
            # on their way back.
            pause_seconds=10,
        )
