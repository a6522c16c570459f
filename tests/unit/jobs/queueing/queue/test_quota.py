"""How often a tenant's queue is counted, and what that lets in."""

from __future__ import annotations

from tests.fixtures.stores import StoreClock
from tidemill.core.ids import TenantId
from tidemill.jobs.queueing.queue.quota import (
    Quota,
    counted_anew_max,
    counting_rest_seconds_max,
)

TENANT = TenantId("harbour")
MANY = 2 * counted_anew_max


class Queue:
    """A tenant's queue, which takes a while to count."""

    def __init__(self, *, waiting: int, seconds: float, jobs_max: int = MANY) -> None:
        self.clock = StoreClock()
        self.quota = Quota(self.clock.monotonic)
        self.waiting = waiting
        self.seconds = seconds
        self.jobs_max = jobs_max
        self.counts = 0

    def admits(self, jobs: int = 1) -> bool:
        return self.quota.admits(TENANT, self._count, jobs_max=self.jobs_max, jobs=jobs)

    def _count(self, _: int) -> int:
        self.counts += 1
        self.clock.advance(self.seconds)
        return self.waiting


def test_admits_counts_a_full_queue_for_a_twentieth_of_the_time_however_often_it_is_asked() -> None:
    queue = Queue(waiting=MANY, seconds=0.25)

    for _ in range(100):
        assert not queue.admits()
    assert queue.counts == 1

    queue.clock.advance(6)
    assert not queue.admits()
    assert queue.counts == 2


def test_admits_lets_in_again_soon_after_there_is_room_however_long_the_count_took() -> None:
    queue = Queue(waiting=MANY, seconds=60)
    assert not queue.admits()

    queue.waiting = 0
    queue.clock.advance(counting_rest_seconds_max)

    assert queue.admits()


def test_admits_lets_in_what_fits_where_more_did_not() -> None:
    queue = Queue(waiting=MANY - 5, seconds=1)

    assert not queue.admits(jobs=6)
    assert queue.admits(jobs=5)
    assert queue.counts == 1


def test_admits_counts_a_short_queue_each_time_that_it_is_full() -> None:
    queue = Queue(waiting=10, seconds=1, jobs_max=10)
    assert not queue.admits()

    queue.waiting = 9

    assert queue.admits()
