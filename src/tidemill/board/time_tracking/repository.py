"""The SQL of time entries."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import WorkItemId
from tidemill.board.texts import is_uuid
from tidemill.board.time_tracking.models import Overlap, TimeEntry, TimeEntryFilter, TimeSource
from tidemill.board.time_tracking.spans import entry_seconds_max
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.core.ports import Tx, Value

overlaps_told_max: Final = 10
# SQLite has one writer at a time.
_LOCKING: Final = "postgres"
# Time that was spent stays when its item is deleted; that of a deleted project is hidden with it.
_SELECT: Final = """
    SELECT e.id, e.work_item_id, e.project_id, p.key, p.archived_at, w.number, w.title, e.user_id,
        a.name, e.started_at, e.ended_at, e.on_day, e.description, e.source, e.job_id, e.version,
        e.created_at, e.created_by, e.updated_at, e.updated_by, e.deleted_at,
        w.archived_at
    FROM time_entries AS e
    JOIN projects AS p
        ON p.tenant_id = e.tenant_id AND p.id = e.project_id AND p.deleted_at IS NULL
    JOIN work_items AS w ON w.tenant_id = e.tenant_id AND w.id = e.work_item_id
    LEFT JOIN people AS a ON a.tenant_id = e.tenant_id AND a.user_id = e.user_id
"""
_BY_ID: Final = _SELECT + "WHERE e.tenant_id = :tenant_id AND e.id = :id AND e.deleted_at IS NULL"
_RUNNING: Final = _SELECT.replace("AND p.deleted_at IS NULL", "") + (
    "WHERE e.tenant_id = :tenant_id AND e.user_id = :user_id AND e.ended_at IS NULL "
    "AND e.deleted_at IS NULL"
)
# Locked by itself: a join would lose the row whose item another transaction has just changed.
_LOCK: Final = """
    SELECT id FROM time_entries WHERE tenant_id = :tenant_id AND id = :id FOR UPDATE
"""
_LOCK_RUNNING: Final = """
    SELECT id FROM time_entries
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND ended_at IS NULL
        AND deleted_at IS NULL
    FOR UPDATE
"""
_INSERT: Final = """
    INSERT INTO time_entries (tenant_id, id, work_item_id, project_id, user_id, started_at,
        ended_at, on_day, description, source, job_id, version, created_at, created_by,
        updated_at, updated_by)
    VALUES (:tenant_id, :id, :work_item_id, :project_id, :user_id, :started_at,
        :ended_at, :on_day, :description, :source, :job_id, :version, :created_at, :created_by,
        :updated_at, :updated_by)
"""
# Of timers that start at once one waits here for the other, and then inserts nothing.
_INSERT_RUNNING: Final = _INSERT + (
    "ON CONFLICT (tenant_id, user_id) WHERE ended_at IS NULL AND deleted_at IS NULL DO NOTHING"
)
_INSERT_FOR_JOB: Final = _INSERT + (
    "ON CONFLICT (tenant_id, job_id) WHERE job_id IS NOT NULL DO NOTHING"
)
_UPDATE: Final = """
    UPDATE time_entries
    SET work_item_id = :work_item_id, project_id = :project_id, started_at = :started_at,
        ended_at = :ended_at, on_day = :on_day, description = :description, version = :version,
        updated_at = :updated_at, updated_by = :updated_by, deleted_at = :deleted_at
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
# Those of people begin at most a day earlier; what jobs do beside them is no overlap.
_OVERLAPPING: Final = """
    SELECT id, started_at, ended_at FROM time_entries
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND started_at < :ended_at
        AND started_at > :earliest AND (ended_at > :started_at OR ended_at IS NULL)
        AND on_day IS NULL AND source <> :job AND deleted_at IS NULL AND id <> :id
    ORDER BY started_at, id
    LIMIT :limit
"""
_SPENT: Final = """
    SELECT SUM(ended_at - started_at) FROM time_entries
    WHERE tenant_id = :tenant_id AND work_item_id = :work_item_id AND deleted_at IS NULL
"""
_CONDITIONS: Final = {
    "user_id": "AND e.user_id = :user_id",
    "work_item_id": "AND e.work_item_id = :work_item_id",
    "project_id": "AND e.project_id = :project_id",
    "since": "AND e.started_at >= :since",
    "until": "AND e.started_at < :until",
}
_AFTER: Final = "AND (e.started_at, e.id) < (:after_at, :after)"


class TimeEntryRepository:
    """Time entries of a tenant, with what people know their item, project and person by."""

    def find(self, tx: Tx, entry_id: str, *, lock: bool = False) -> TimeEntry | None:
        """Return the entry with this id, unless it or its project is deleted."""
        if not is_uuid(entry_id):
            return None
        if lock and tx.dialect == _LOCKING:
            tx.one(_LOCK, id=entry_id)
        row = tx.one(_BY_ID, id=entry_id)
        return TimeEntry(*row) if row else None

    def running(self, tx: Tx, user_id: str, *, lock: bool = False) -> TimeEntry | None:
        """Return a person's entry whose timer runs, in a deleted project, too."""
        # One that began while this waited for another is not locked, and so none of ours.
        if lock and tx.dialect == _LOCKING and tx.one(_LOCK_RUNNING, user_id=user_id) is None:
            return None
        row = tx.one(_RUNNING, user_id=user_id)
        return TimeEntry(*row) if row else None

    def add(self, tx: Tx, entry: TimeEntry) -> None:
        """Insert an entry that has ended."""
        tx.execute(_INSERT, **_inserted(entry))

    def add_running(self, tx: Tx, entry: TimeEntry) -> bool:
        """Insert an entry whose timer runs; return False when the person has another one."""
        return tx.execute(_INSERT_RUNNING, **_inserted(entry)) == 1

    def add_for_job(self, tx: Tx, entry: TimeEntry) -> bool:
        """Insert the entry of a job; return False when the job has one, deleted or not."""
        return tx.execute(_INSERT_FOR_JOB, **_inserted(entry)) == 1

    def save(self, tx: Tx, entry: TimeEntry) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=entry.id,
            previous_version=entry.version - 1,
            work_item_id=entry.work_item_id,
            project_id=entry.project_id,
            started_at=entry.started_at,
            ended_at=entry.ended_at,
            on_day=entry.on_day,
            description=entry.description,
            version=entry.version,
            updated_at=entry.updated_at,
            updated_by=entry.updated_by,
            deleted_at=entry.deleted_at,
        )
        return changed == 1

    def overlapping(self, tx: Tx, entry: TimeEntry) -> tuple[Overlap, ...]:
        """Return some of the person's entries that have time in common with `entry`."""
        if entry.on_day is not None or entry.source == TimeSource.JOB:
            return ()
        rows = tx.all(
            _OVERLAPPING,
            id=entry.id,
            user_id=entry.user_id,
            started_at=entry.started_at,
            ended_at=entry.ended_at if entry.ended_at is not None else tx.now,
            earliest=entry.started_at - entry_seconds_max * MICROSECONDS_PER_SECOND,
            job=TimeSource.JOB.value,
            limit=overlaps_told_max,
        )
        return tuple(Overlap(*row) for row in rows)

    def spent_seconds(self, tx: Tx, item_id: WorkItemId) -> int:
        """Return the sum of what was spent on an item; a timer counts once it is stopped."""
        row = tx.one(_SPENT, work_item_id=item_id)
        return int(row[0] or 0) // MICROSECONDS_PER_SECOND if row else 0

    def page(
        self, tx: Tx, wanted: TimeEntryFilter, *, after: tuple[int, str] | None, limit: int
    ) -> list[TimeEntry]:
        """Return entries of a filter, the last begun first; `after` is an instant and an id."""
        sql, parameters = list_statement(wanted, after)
        return [TimeEntry(*row) for row in tx.all(sql, limit=limit, **parameters)]


def list_statement(
    wanted: TimeEntryFilter, after: tuple[int, str] | None
) -> tuple[str, dict[str, Value]]:
    """Return the statement that lists `wanted`, and its parameters but the limit."""
    parameters: dict[str, Value] = {
        name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None
    }
    conditions = [_CONDITIONS[name] for name in parameters]
    if after is not None:
        conditions.append(_AFTER)
        parameters["after_at"], parameters["after"] = after
    sql = "\n    ".join(
        (
            _SELECT.rstrip(),
            "WHERE e.tenant_id = :tenant_id AND e.deleted_at IS NULL",
            *conditions,
            "ORDER BY e.started_at DESC, e.id DESC",
            "LIMIT :limit",
        )
    )
    return sql, parameters


def _inserted(entry: TimeEntry) -> dict[str, Value]:
    return {
        "id": entry.id,
        "work_item_id": entry.work_item_id,
        "project_id": entry.project_id,
        "user_id": entry.user_id,
        "started_at": entry.started_at,
        "ended_at": entry.ended_at,
        "on_day": entry.on_day,
        "description": entry.description,
        "source": entry.source,
        "job_id": entry.job_id,
        "version": entry.version,
        "created_at": entry.created_at,
        "created_by": entry.created_by,
        "updated_at": entry.updated_at,
        "updated_by": entry.updated_by,
    }
