"""The SQL that makes room in the history of jobs, and ends what was kept long enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tidemill.core.clock import MICROSECONDS_PER_DAY
from tidemill.core.ports import Tx

_MAKE_DAY: Final = "SELECT make_job_history_day(:day)"
_DAYS_BEFORE: Final = """
    SELECT day FROM (
        SELECT CAST(substr(relname, 13) AS BIGINT) AS day FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relname ~ '^job_history_[0-9]+$'
    ) AS days
    WHERE day < :day ORDER BY day
"""
# If the drop waited for readers of the history, whoever finishes a job would wait behind it.
_HISTORY_IN_USE: Final = """
    SELECT 1 FROM pg_locks
    WHERE relation = 'job_history'::regclass AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    LIMIT 1
"""
_DROP_DAY: Final = "SELECT drop_job_history_day(:day, :before)"
_PRUNE_HISTORY: Final = {
    "sqlite": """
        DELETE FROM job_history WHERE rowid IN (
            SELECT oldest.id FROM (
                SELECT rowid AS id, finished_at FROM job_history ORDER BY rowid LIMIT :limit
            ) AS oldest
            WHERE oldest.finished_at < :before)
    """,
    "postgres": """
        DELETE FROM job_history WHERE (tenant_id, day, id) IN (
            SELECT tenant_id, day, id FROM job_history WHERE finished_at < :before
            LIMIT :limit)
    """,
}
_PRUNE_KEYS: Final = """
    DELETE FROM job_keys WHERE (tenant_id, key) IN (
        SELECT job_keys.tenant_id, job_keys.key FROM job_keys
        LEFT JOIN jobs ON jobs.tenant_id = job_keys.tenant_id AND jobs.id = job_keys.job_id
        LEFT JOIN job_history ON job_history.tenant_id = job_keys.tenant_id
            AND job_history.day BETWEEN job_keys.created_at / 86400000000 - 1
                AND job_keys.created_at / 86400000000 + 1
            AND job_history.id = job_keys.job_id
        WHERE job_keys.created_at < :before AND jobs.id IS NULL AND job_history.id IS NULL
        ORDER BY job_keys.created_at LIMIT :limit)
"""
# Labels of jobs that are still to run stay, whatever the day on which those were made.
_PRUNE_LABELS: Final = """
    DELETE FROM job_labels WHERE (tenant_id, label, day, job_id) IN (
        SELECT job_labels.tenant_id, job_labels.label, job_labels.day, job_labels.job_id
        FROM job_labels
        LEFT JOIN jobs ON jobs.tenant_id = job_labels.tenant_id AND jobs.id = job_labels.job_id
        LEFT JOIN job_history ON job_history.tenant_id = job_labels.tenant_id
            AND job_history.day = job_labels.day AND job_history.id = job_labels.job_id
        WHERE job_labels.day < :day AND jobs.id IS NULL AND job_history.id IS NULL
        ORDER BY job_labels.day LIMIT :limit)
"""
_PRUNE_ORIGINS: Final = """
    DELETE FROM job_origins WHERE (tenant_id, job_id) IN (
        SELECT tenant_id, job_id FROM job_origins WHERE created_at < :before
        ORDER BY created_at LIMIT :limit)
"""
_PRUNE_PROGRESS: Final = """
    DELETE FROM job_progress_notes WHERE (tenant_id, job_id) IN (
        SELECT tenant_id, job_id FROM job_progress_notes WHERE updated_at < :before
        ORDER BY updated_at LIMIT :limit)
"""
_PRUNE_METRICS: Final = """
    DELETE FROM job_metrics WHERE (tenant_id, job_id, name) IN (
        SELECT tenant_id, job_id, name FROM job_metrics WHERE updated_at < :before
        ORDER BY updated_at LIMIT :limit)
"""


class RetentionRepository:
    """The history of all tenants, by the day on which jobs finished."""

    def make_days(self, tx: Tx, days: Iterable[int]) -> None:
        """Make the history's partitions of `days`, where the database has them."""
        if tx.dialect == "postgres":
            for day in days:
                tx.one(_MAKE_DAY, day=day)

    def days_before(self, tx: Tx, day: int) -> list[int]:
        """Return the days before `day` whose history is a partition of its own."""
        if tx.dialect != "postgres":
            return []
        return [row[0] for row in tx.all(_DAYS_BEFORE, day=day)]

    def drop_day(self, tx: Tx, day: int, *, before: int) -> bool:
        """Drop the history's partition of `day` when all in it finished before `before`.

        Return False when somebody uses the history right now.
        """
        if tx.one(_HISTORY_IN_USE) is not None:
            return False
        tx.one(_DROP_DAY, day=day, before=before)
        return True

    def prune(self, tx: Tx, *, before: int, limit: int) -> int:
        """Delete what finished, or was told, before `before`; return how many rows of it went."""
        pruned = tx.execute(_PRUNE_HISTORY[tx.dialect], before=before, limit=limit)
        pruned += tx.execute(_PRUNE_LABELS, day=before // MICROSECONDS_PER_DAY, limit=limit)
        for statement in (_PRUNE_ORIGINS, _PRUNE_PROGRESS, _PRUNE_METRICS, _PRUNE_KEYS):
            pruned += tx.execute(statement, before=before, limit=limit)
        return pruned
