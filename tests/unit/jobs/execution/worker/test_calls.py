from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from tests.integration.jobs.worker.dispatcher import job
from tidemill.jobs.execution.worker.calls import Calls
from tidemill.jobs.execution.worker.contract import Called
from tidemill.jobs.execution.worker.slots import Slots
from tidemill.jobs.protocol.messages import Held, Outcome, Verdict

pytestmark = pytest.mark.anyio


class Call:
    """Ends when it is told to, at once, or never for it breaks."""

    def __init__(self, name: str, *, at_once: bool = False, breaks: bool = False) -> None:
        self.assignment = job(name, "")
        self.held = Held(name, 1)
        self.at_once = at_once
        self.breaks = breaks
        self.ended: Callable[[Any, Outcome], None] | None = None

    def begin_served(self, surroundings: Any, ended: Callable[[Any, Outcome], None]) -> None:
        del surroundings
        self.ended = ended
        if self.breaks:
            raise LookupError(self.held.job_id)
        if self.at_once:
            self.end()

    def end(self) -> None:
        assert self.ended is not None, "it has not begun"
        outcome = Outcome(
            job_id=self.held.job_id,
            epoch=1,
            verdict=Verdict.SUCCEEDED,
            started_at=1,
            finished_at=2,
        )
        self.ended(self, outcome)


class Table:
    """Calls with a number of slots, and what was told of them."""

    def __init__(self, slots: int) -> None:
        self.slots: Slots[Called] = Slots(slots, self._start)
        self.told: list[list[tuple[str, Verdict]]] = []
        self.calls = Calls(self.slots.leave, lambda: cast("Any", None), self._over)

    def _start(self, call: Called, has_slot: bool) -> None:
        self.calls.begin(call, has_slot=has_slot)

    def _over(self, over: Sequence[tuple[Called, Outcome]]) -> None:
        self.told.append([(call.held.job_id, outcome.verdict) for call, outcome in over])

    def add(self, *calls: Call) -> None:
        for call in calls:
            self.slots.add(cast("Called", call))


async def test_calls_begin_when_there_is_a_slot() -> None:
    table, first, second = Table(1), Call("first"), Call("second")
    table.add(first, second)

    assert second.ended is None
    first.end()
    await asyncio.sleep(0)

    assert second.ended is not None
    assert table.slots.free == 0


async def test_calls_that_end_together_are_told_together() -> None:
    table = Table(2)
    table.add(*(Call(f"job-{number}", at_once=True) for number in range(1_000)))

    await asyncio.sleep(0)

    assert [len(told) for told in table.told] == [1_000]
    assert table.slots.free == 2


async def test_calls_that_break_the_worker_fail_and_leave_their_slot() -> None:
    table, next_ = Table(1), Call("next", at_once=True)
    table.add(Call("broken", breaks=True), next_)

    await asyncio.sleep(0)

    assert table.told == [[("broken", Verdict.FAILED), ("next", Verdict.SUCCEEDED)]]
    assert table.slots.free == 1


async def test_calls_that_end_twice_give_their_slot_back_once() -> None:
    table, call = Table(1), Call("twice")
    table.add(call)

    call.end()
    call.end()
    await asyncio.sleep(0)

    assert table.told == [[("twice", Verdict.SUCCEEDED)]]
    assert table.slots.free == 1
