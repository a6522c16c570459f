"""Functions that are called in the worker's own process, without a task for each."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from tidemill.jobs.execution.worker.contract import Called
from tidemill.jobs.execution.worker.endings import broken_end
from tidemill.jobs.execution.worker.execution import Surroundings
from tidemill.jobs.protocol.messages import Held, Outcome

log = structlog.get_logger("tidemill.jobs.execution.worker")

OnOver = Callable[[Sequence[tuple[Called, Outcome]]], None]
"""Takes the calls that ended in one turn of the loop, with how each ended."""


class Calls:
    """Begins calls when there is a slot; what ends in one turn of the loop is told together."""

    def __init__(
        self, slots: asyncio.Queue[int], around: Callable[[], Surroundings], on_over: OnOver
    ) -> None:
        self._slots = slots
        self._around = around
        self._on_over = on_over
        self._waiting: deque[Called] = deque()
        self._slot_of: dict[Held, int | None] = {}
        self._over: list[tuple[Called, Outcome]] = []
        # What one job has bound to its context is none of the next one's.
        self._context = contextvars.copy_context()

    def add(self, call: Called) -> None:
        """Begin `call`, now or when a slot is free."""
        self._waiting.append(call)
        self._begin()

    def stopped(self, call: Called) -> None:
        """Let `call`, which was asked to end, do so now if it waits for a slot: it needs none."""
        if call in self._waiting:
            self._waiting.remove(call)
            self._begin_with(call, None)

    def begin_soon(self) -> None:
        """Begin what waits: a slot is free."""
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._begin, context=self._context)

    def _begin(self) -> None:
        while self._waiting and not self._slots.empty():
            self._begin_with(self._waiting.popleft(), self._slots.get_nowait())

    def _begin_with(self, call: Called, slot: int | None) -> None:
        self._slot_of[call.held] = slot
        try:
            call.begin_served(self._around(), self._ended)
        except Exception:
            # A job without an end would be held for as long as this worker lives.
            log.exception("worker.job_broke", job_id=call.held.job_id)
            self._ended(call, broken_end(call.assignment))

    def _ended(self, call: Called, outcome: Outcome) -> None:
        if call.held not in self._slot_of:
            return  # It broke as it began, and ends once more.
        slot = self._slot_of.pop(call.held)
        if slot is not None:
            self._slots.put_nowait(slot)
        if not self._over:
            asyncio.get_running_loop().call_soon(self._tell, context=self._context)
        self._over.append((call, outcome))

    def _tell(self) -> None:
        over, self._over = self._over, []
        self._on_over(over)
        # Not from `_ended`: one that ends as it begins would bring the next one below itself.
        self._begin()
