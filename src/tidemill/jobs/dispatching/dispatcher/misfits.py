"""Jobs of functions that a worker has not registered, though it takes their package."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Protocol

import structlog
from msgspec import structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.jobs.dispatching.dispatcher.models import Demand, Turn
from tidemill.jobs.queueing.queue.claims import Claimed

log = structlog.get_logger(__name__)

passed_by_max: Final = 1_000
"""How many functions a worker's claims pass by; jobs of others wait a while each time."""
remembered_seconds: Final = 60
"""Claims that pass nothing by are cheaper, so it is tried again whether they can."""
wait_seconds: Final = 5.0


class GiveBack(Protocol):
    """Puts claimed jobs back unrun."""

    async def __call__(self, jobs: Sequence[Claimed], *, seconds: float) -> None:
        """Put `jobs` back in line, or let them wait for so long first."""


class Misfits:
    """Which functions each worker was found not to have, so that its claims pass their jobs by.

    Programs of one package may differ: two parts of it, or an old and a new version.
    """

    def __init__(self) -> None:
        self._found: dict[str, frozenset[str]] = {}
        self._until: int | None = None
        self._told: set[str] = set()

    def of(self, demand: Demand, now: Instant) -> Collection[str]:
        """Return the functions whose jobs are no use to this worker, as far as is known."""
        if demand.functions is None or not self._found:
            return ()
        if self._until is None:
            self._until = now + remembered_seconds * MICROSECONDS_PER_SECOND
        elif now >= self._until:
            self._found, self._until = {}, None
        # It may have come back with other functions.
        return self._found.get(demand.worker_id, frozenset()) - demand.functions

    async def sort_out(self, turn: Turn, demands: Sequence[Demand], give_back: GiveBack) -> Turn:
        """Put back what its worker cannot run; the next claims pass such jobs by."""
        claimed = dict(turn.claimed)
        passed_by: list[Claimed] = []
        waiting: list[Claimed] = []
        for demand in demands:
            jobs = claimed.get(demand.worker_id, ())
            wrong = [job for job in jobs if not demand.has(job.function)]
            if wrong:
                claimed[demand.worker_id] = [job for job in jobs if demand.has(job.function)]
                names = {job.function for job in wrong if job.function is not None}
                (passed_by if self._learn(demand.worker_id, names) else waiting).extend(wrong)
        if passed_by:
            await give_back(passed_by, seconds=0)
        if waiting:
            await give_back(waiting, seconds=wait_seconds)
        if not (passed_by or waiting):
            return turn
        return structs.replace(turn, claimed=claimed, again=turn.again or bool(passed_by))

    def _learn(self, worker_id: str, names: set[str]) -> bool:
        """Remember what a worker has not; return whether there is room for it."""
        for name in sorted(names - self._told):
            if len(self._told) < passed_by_max:
                self._told.add(name)
                log.warning("dispatcher.function.not_registered", function=name, worker=worker_id)
        found = self._found.get(worker_id, frozenset()) | names
        if len(found) > passed_by_max:
            return False
        self._found[worker_id] = found
        return True
