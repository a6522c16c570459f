from __future__ import annotations

import asyncio
import contextvars

import pytest

from tidemill.jobs.execution.worker.slots import Slots
from tidemill.jobs.protocol.messages import Verdict

pytestmark = pytest.mark.anyio


class OneExecution:
    def __init__(self) -> None:
        self.stopped: Verdict | None = None

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        del grace_seconds
        self.stopped = verdict


class Table:
    """Slots, and what has begun: with one of them, or without."""

    def __init__(self, count: int) -> None:
        self.slots: Slots[OneExecution] = Slots(count, self._start)
        self.begun: list[OneExecution] = []
        self.without: list[OneExecution] = []

    def _start(self, execution: OneExecution, has_slot: bool) -> None:
        (self.begun if has_slot else self.without).append(execution)

    def add(self, count: int) -> list[OneExecution]:
        added = [OneExecution() for _ in range(count)]
        for execution in added:
            self.slots.add(execution)
        return added


async def test_slots_begin_as_many_as_there_are_and_the_next_when_one_is_left() -> None:
    table = Table(2)
    added = table.add(4)

    assert table.begun == added[:2]
    assert (table.slots.free, table.slots.waiting) == (0, 2)
    table.slots.leave()
    await asyncio.sleep(0)

    assert table.begun == added[:3]


async def test_slots_that_are_left_in_one_turn_of_the_loop_are_all_given() -> None:
    table = Table(2)
    added = table.add(4)

    table.slots.leave()
    table.slots.leave()
    await asyncio.sleep(0)

    assert table.begun == added
    assert table.slots.free == 0


async def test_one_that_is_stopped_while_it_waits_ends_without_a_slot() -> None:
    table = Table(1)
    runs, waits, behind = table.add(3)

    table.slots.stopped(waits)
    table.slots.stopped(runs)

    assert table.without == [waits]
    assert table.begun == [runs]
    table.slots.leave()
    await asyncio.sleep(0)
    assert table.begun == [runs, behind]


async def test_give_back_lets_go_of_those_that_wait_and_of_no_other() -> None:
    table = Table(1)
    runs, waits = table.add(2)

    table.slots.give_back()

    assert (runs.stopped, waits.stopped) == (None, Verdict.LOST)
    assert table.without == [waits]


async def test_one_begins_without_what_another_has_bound_to_its_context() -> None:
    bound: contextvars.ContextVar[str] = contextvars.ContextVar("bound", default="nothing")
    seen: list[str] = []
    slots: Slots[OneExecution] = Slots(1, lambda *_: seen.append(bound.get()))
    slots.add(OneExecution())
    slots.add(OneExecution())

    bound.set("another job's")
    slots.leave()
    await asyncio.sleep(0)

    assert seen == ["nothing", "nothing"]
