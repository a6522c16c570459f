"""The SQL of reminders."""

from __future__ import annotations

from typing import Final

from tidemill.board.blocking.waiting import FINISHED
from tidemill.board.reminders.models import Waiting
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

_WAITING: Final = f"""
    SELECT w.id, w.project_id, p.key, w.number, w.assignee_id, w.due_date, r.due_at
    FROM work_items AS w
    JOIN projects AS p ON p.tenant_id = w.tenant_id AND p.id = w.project_id
        AND p.deleted_at IS NULL AND p.archived_at IS NULL
    LEFT JOIN reminders AS r ON r.tenant_id = w.tenant_id AND r.work_item_id = w.id
        AND r.user_id = w.assignee_id AND r.due_date = w.due_date
    WHERE w.tenant_id = :tenant_id AND w.due_date >= :first AND w.due_date <= :last
        AND w.deleted_at IS NULL AND w.archived_at IS NULL AND w.assignee_id IS NOT NULL
        AND w.status_category NOT IN ({FINISHED}) AND r.told_at IS NULL
"""  # noqa: S608 - constant names of categories
_DUE: Final = f"""{_WAITING}
        AND (r.due_at IS NULL OR r.due_at <= :now)
    ORDER BY w.due_date, w.id LIMIT :limit
"""
PLANNED: Final = f"""
    SELECT MIN(due_at) FROM ({_WAITING} AND r.due_at IS NOT NULL) AS planned
"""  # noqa: S608 - a constant
NEXT_DAY: Final = f"""{_WAITING}
        AND r.due_at IS NULL
    ORDER BY w.due_date, w.id LIMIT 1
"""
_PLAN: Final = """
    INSERT INTO reminders (tenant_id, work_item_id, user_id, due_date, due_at, told_at)
    VALUES (:tenant_id, :work_item_id, :user_id, :due_date, :due_at, :told_at)
    ON CONFLICT (tenant_id, work_item_id, user_id, due_date) DO UPDATE
    SET told_at = excluded.told_at WHERE reminders.told_at IS NULL
"""
_SWEEP: Final = "DELETE FROM reminders WHERE tenant_id = :tenant_id AND due_date < :before"
_LAST_DAY: Final = "9999-12-31"


class ReminderRepository:
    """Reminders of a tenant."""

    def due(self, tx: Tx, first: str, last: str, *, limit: int) -> list[Waiting]:
        """Return what is due between two days, and to be planned or told now."""
        return [Waiting(*row) for row in tx.all(_DUE, first=first, last=last, limit=limit)]

    def planned(self, tx: Tx, first: str, last: str) -> Instant | None:
        """Return when the next planned reminder is due, of the days between two."""
        row = tx.one(PLANNED, first=first, last=last)
        return None if row is None else row[0]

    def next_day(self, tx: Tx, first: str) -> str | None:
        """Return the next day, from `first` on, of which nobody has thought yet."""
        row = tx.one(NEXT_DAY, first=first, last=_LAST_DAY)
        return None if row is None else Waiting(*row).due_date

    def plan(self, tx: Tx, one: Waiting, due_at: Instant, *, told_at: Instant | None) -> bool:
        """Write a reminder; return False when somebody else has told it already."""
        written = tx.execute(
            _PLAN,
            work_item_id=one.work_item_id,
            user_id=one.user_id,
            due_date=one.due_date,
            due_at=due_at,
            told_at=told_at,
        )
        return written == 1

    def sweep(self, tx: Tx, before: str) -> None:
        """Forget reminders of days that are over."""
        tx.execute(_SWEEP, before=before)
