"""Functions that are called in the worker's own process, without a task for each."""

from __future__ import annotations

import asyncio
import contextvars
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
    """Begins calls; what ends in one turn of the loop is told together."""

    def __init__(
        self,
        leave: Callable[[], None],
        around: Callable[[], Surroundings],
        on_over: OnOver,
    ) -> None:
        self._leave = leave
        self._around = around
        self._on_over = on_over
        self._has_slot: dict[Held, bool] = {}
        self._over: list[tuple[Called, Outcome]] = []
        # What one job has bound to its context is none of the next one's.
        self._context = contextvars.copy_context()

    def begin(self, call: Called, *, has_slot: bool) -> None:
        """Begin `call`; a slot that it has is left when it ends."""
        self._has_slot[call.held] = has_slot
        try:
            call.begin_served(self._around(), self._ended)
        except Exception:
            # A job without an end would be held for as long as this worker lives.
            log.exception("worker.job_broke", job_id=call.held.job_id)
            self._ended(call, broken_end(call.assignment))

    def _ended(self, call: Called, outcome: Outcome) -> None:
        if call.held not in self._has_slot:
            return  # It broke as it began, and ends once more.
        if self._has_slot.pop(call.held):
            self._leave()
        if not self._over:
            asyncio.get_running_loop().call_soon(self._tell, context=self._context)
        self._over.append((call, outcome))

    def _tell(self) -> None:
        over, self._over = self._over, []
        self._on_over(over)
