"""What the leading dispatcher clears away: old history, and what ended jobs still take."""

from __future__ import annotations

from functools import partial
from typing import Final

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Database, Tx
from tidemill.jobs.queueing.specs.repository import SpecRepository
from tidemill.jobs.queueing.workers.repository import WorkerRepository
from tidemill.jobs.records.attempts.repository import AttemptRepository
from tidemill.jobs.records.retention.pruning import RulePruning
from tidemill.jobs.records.retention.repository import RetentionRepository

pruned_per_turn_max: Final = 5_000
_DAY: Final = 86_400 * MICROSECONDS_PER_SECOND
_days_ahead: Final = 7


class Housekeeping:
    """Transactions that no job waits for; each is safe to run again."""

    def __init__(self, jobs: Database) -> None:
        self.rules = RulePruning(jobs)
        self._database = jobs
        self._retention = RetentionRepository()
        self._workers = WorkerRepository()
        self._specs = SpecRepository()
        self._attempts = AttemptRepository()

    async def make_days(self) -> None:
        """Make room in the history for the days to come."""

        def use_case(tx: Tx) -> None:
            today = tx.now // _DAY
            self._retention.make_days(tx, range(today, today + _days_ahead))

        await self._database.write(INSTALLATION, use_case)

    async def prune(self, *, days: int) -> int:
        """Delete what finished more than `days` ago; return how many rows of all kinds went."""

        def use_case(tx: Tx) -> int:
            self._workers.forget(tx, tx.now - _DAY)
            before = tx.now - days * _DAY
            pruned = self._attempts.forget(tx, before=before, limit=pruned_per_turn_max)
            return pruned + self._retention.prune(tx, before=before, limit=pruned_per_turn_max)

        return await self._database.write(INSTALLATION, use_case)

    async def forget_specs(self, *, days: int) -> None:
        """Delete specifications whose last job has left the history, which is kept for `days`."""

        def before(tx: Tx) -> int:
            # A process asks for a specification once a day, whenever in that day.
            return tx.now - (days + 2) * _DAY

        # Found in a transaction of its own: that reads much, and would keep writers waiting.
        unused = await self._database.read(
            INSTALLATION,
            lambda tx: self._specs.unused(tx, before=before(tx), limit=pruned_per_turn_max),
        )
        if unused:
            await self._database.write(
                INSTALLATION, lambda tx: self._specs.forget(tx, unused, before=before(tx))
            )

    async def drop_days(self, now: Instant, *, days: int) -> None:
        """Drop whole days of history that ended more than `days` ago, each by itself.

        Days that cannot be dropped at once are left for the next time.
        """
        before = now - days * _DAY
        gone = await self._database.read(
            INSTALLATION, partial(self._retention.days_before, day=before // _DAY)
        )
        for day in gone:
            dropped = await self._database.write(
                INSTALLATION, partial(self._retention.drop_day, day=day, before=before)
            )
            if not dropped:
                return

    async def reclaim(self) -> None:
        """Clear away the rows of ended jobs, over which each claim steps until then."""
        await self._database.reclaim(INSTALLATION, "jobs")
