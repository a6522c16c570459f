"""`kill -9` at each point of a job's path, with effects that are counted outside of the books.

One installation on PostgreSQL with two workers tells all cases; each arms one process for one kill.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.effects import settle
from tests.chaos.place import Place, a_place, lease_seconds
from tests.fixtures.roles import DISPATCHER
from tests.fixtures.server import API, WORKER
from tests.fixtures.waiting import wait_until

pytestmark = [
    pytest.mark.chaos(reason="each case runs forty jobs and waits for a lease"),
    pytest.mark.needs("postgres"),
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("path"),
]

POINTS: Final = (
    # Before and after the enqueue is committed.
    (API, "before_commit:9"),
    (API, "after_commit:9"),
    (API, "enqueue_after_commit:7"),
    # Before and after the claim.
    (DISPATCHER, "dispatch_before_claim:3"),
    (DISPATCHER, "dispatch_after_claim:2"),
    (DISPATCHER, "dispatch_after_assign:2"),
    # Before and after the code of a job began, and after its effect.
    (WORKER, "worker_before_start:3"),
    (WORKER, "worker_after_start:3"),
    (WORKER, "job_began:5"),
    (WORKER, "job_after_effect:5"),
    # Before and after its completion is told.
    (WORKER, "worker_before_outcome:5"),
    (WORKER, "worker_after_outcome_sent:5"),
    # Before and after its completion is written.
    (DISPATCHER, "dispatch_before_finish:3"),
    (DISPATCHER, "dispatch_after_finish:3"),
)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with a_place("path") as place:
        yield place


@pytest.mark.parametrize(("name", "point"), POINTS)
def test_no_job_is_lost_or_ends_twice_after_a_kill_at(
    place: Place, name: str, point: str, tmp_path: Path
) -> None:
    roles, mark = place.roles, tmp_path / "crashed"
    known = place.connected()
    roles.replace(name, TIDEMILL_CRASH_AT=point, TIDEMILL_CRASH_MARK=str(mark))
    if name == WORKER:
        wait_until(lambda: len(place.connected() - known) == 1, seconds_max=30, what="the worker")
    before = len(roles.deaths)
    work = place.work()
    for _ in range(5):
        work.functions(5, seconds=0.1).scripts(3, seconds=0.1)
    work.wait()
    assert mark.exists(), f"{point} was never passed"
    wait_until(lambda: len(roles.deaths) > before, seconds_max=60, what="the death")
    lost = [death for death in roles.deaths[before:] if death.name.startswith(WORKER)]
    account = settle(
        point, work, place.effects, place.books, lost=lost, lease_seconds=lease_seconds
    )
    assert name == WORKER or account.repeated == 0, "its workers lived"
