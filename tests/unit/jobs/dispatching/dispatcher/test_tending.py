"""When a dispatcher that begins to lead takes jobs from workers that are silent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs

from tests.fixtures.stores import StoreClock
from tidemill.jobs.dispatching.dispatcher.models import Look
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.reception import Reception
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.dispatching.dispatcher.tending import Tending, reclaim_after
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.records.logs.files import LogFiles

pytestmark = pytest.mark.anyio

LEASE = 30
OPTIONS = DispatcherOptions(directory=None, api_url="", holder="me", lease_seconds=LEASE)


class Books:
    """What the store says of workers, and of who leads."""

    def __init__(self) -> None:
        self.silent_seconds: float | None = None
        self.beats = {"one": (1, 5)}
        self.rescued: list[str] = []
        self.reclaims = 0
        self.reclaim_seconds = 0.0
        self.clock: StoreClock | None = None

    async def lead(self, holder: str, *, seconds: float) -> float | None:
        return self.silent_seconds

    async def look(self) -> Look:
        return Look(self.beats, (), None, False, {})

    async def rescue(self, worker_id: str) -> list[Any]:
        self.rescued.append(worker_id)
        return []

    @property
    def housekeeping(self) -> Books:
        return self

    async def make_days(self) -> None: ...

    async def reclaim(self) -> None:
        self.reclaims += 1
        if self.clock is not None:
            self.clock.advance(self.reclaim_seconds)


class Process:
    """One dispatcher, whose clock the test owns."""

    def __init__(self, **options: Any) -> None:
        self.books = Books()
        self.reception = Reception.__new__(Reception)
        self.reception.sessions, self.reception.deaf_at = {}, None
        self.clock = StoreClock()
        self.books.clock = self.clock
        self.signals = Signals(cast("Any", None))
        self.tending = Tending(
            structs.replace(OPTIONS, **options),
            cast("Dispatching", self.books),
            self.signals,
            LogFiles(Path("unused"), bytes_max=1),
            self.clock,
        )

    async def look(self, seconds: int) -> list[str]:
        """Look each second for so long; return who was taken for lost."""
        for _ in range(seconds):
            self.clock.advance(1)
            await self.tending.tend(self.reception, ())
            await asyncio.sleep(0)  # Lets begin what it left to run beside it.
        return self.books.rescued


async def test_tend_counts_a_lease_from_before_it_led() -> None:
    process = Process()
    await process.look(11)
    process.books.silent_seconds = 10.0

    assert await process.look(18) == []
    assert "one" in await process.look(3)


async def test_tend_gives_grace_alone_when_the_worker_was_silent_before_its_leader() -> None:
    process = Process()
    await process.look(3 * LEASE)
    process.books.silent_seconds = 0.0

    assert await process.look(int(OPTIONS.grace_seconds)) == []
    assert "one" in await process.look(4)


async def test_tend_rescues_within_a_lease_and_5_s_where_only_the_leader_hears_workers() -> None:
    process = Process(heard_by_leader_only=True)
    # Worker and leader die together; the leader's term is over before this process may lead.
    await process.look(11)
    process.books.silent_seconds = 10.0

    assert await process.look(LEASE - 12) == []
    assert "one" in await process.look(5)


async def test_tend_gives_workers_time_to_be_heard_where_only_the_leader_hears_them() -> None:
    process = Process(heard_by_leader_only=True)
    await process.look(3 * LEASE)
    process.books.silent_seconds = 10.0

    assert await process.look(int(OPTIONS.grace_seconds)) == []
    assert "one" in await process.look(4)


async def test_tend_rescues_nothing_while_the_new_leader_has_no_way_to_hear_workers() -> None:
    process = Process(heard_by_leader_only=True)
    await process.look(3 * LEASE)
    process.books.silent_seconds = 10.0

    for _ in range(3 * LEASE):
        process.reception.deaf_at = process.clock.monotonic()
        assert await process.look(1) == []

    assert await process.look(int(OPTIONS.grace_seconds) - 2) == []
    assert "one" in await process.look(4)


async def test_tend_gives_a_full_lease_after_its_own_start() -> None:
    process = Process()
    process.books.silent_seconds = 3.0 * LEASE
    await process.tending.start()

    assert await process.look(LEASE) == []
    assert "one" in await process.look(4)


def test_lead_seconds_are_a_third_of_a_lease_within_bounds() -> None:
    def lead_seconds(lease_seconds: float) -> float:
        return structs.replace(OPTIONS, lease_seconds=lease_seconds).lead_seconds

    assert [lead_seconds(lease) for lease in (1.5, 30, 3600)] == [3, 10, 15]


async def test_tend_reclaims_what_ended_jobs_take_once_there_are_enough_of_them() -> None:
    process = Process()

    process.signals.figures.ended = reclaim_after - 1
    await process.look(3)
    before = process.books.reclaims
    process.signals.figures.ended = reclaim_after
    await process.look(3)
    once = process.books.reclaims
    process.signals.figures.ended = 2 * reclaim_after
    await process.look(3)

    assert (before, once, process.books.reclaims) == (0, 1, 2)


async def test_tend_reclaims_for_a_tenth_of_the_time_at_most() -> None:
    process = Process()
    process.books.reclaim_seconds = 10.0

    for _ in range(200):
        process.signals.figures.ended += reclaim_after
        await process.look(1)

    passed = process.clock.monotonic()
    assert process.books.reclaims > 1
    assert process.books.reclaims * 10.0 <= passed / 10 + 10.0
