"""The SQL of jobs that wait for their time, of all tenants."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

# A job with a key waits until its limits were asked; see `LimitRepository.due`. What a result could
# answer is asked for at its first attempt alone.
_IS_ASKED: Final = """
    (concurrency_key IS NOT NULL OR rate_key IS NOT NULL
        OR (cache_key IS NOT NULL AND attempts = 0))
"""
_IN_LINE: Final = f"""
    SET state = CASE WHEN {_IS_ASKED} THEN 'waiting' ELSE 'queued' END,
        waits_for = CASE WHEN {_IS_ASKED} THEN 'entry' END
"""
_MOVE_DUE: Final = {
    "sqlite": f"""
        UPDATE jobs {_IN_LINE} WHERE position IN (
            SELECT position FROM jobs WHERE state = 'scheduled' AND due_at <= :now
            ORDER BY due_at LIMIT :limit)
    """,  # noqa: S608 - constants
    "postgres": f"""
        WITH due AS MATERIALIZED (
            SELECT tenant_id AS due_tenant, id AS due_id FROM jobs
            WHERE state = 'scheduled' AND due_at <= :now
            ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        UPDATE jobs {_IN_LINE}
        FROM due WHERE jobs.tenant_id = due_tenant AND jobs.id = due_id
    """,  # noqa: S608 - constants
}
DUE: Final = """
    SELECT MIN(at) AS due_at FROM (
        SELECT MIN(due_at) AS at FROM jobs WHERE state = 'scheduled'
        UNION ALL
        SELECT MIN(due_at) FROM jobs WHERE waits_for = 'entry'
        UNION ALL
        SELECT MIN(wake_at) FROM rate_buckets WHERE wake_at IS NOT NULL
        UNION ALL
        SELECT MIN(expires_at) FROM jobs WHERE expires_at IS NOT NULL AND worker_id IS NULL
    ) AS times
"""


class DueRepository:
    """Puts jobs in line when their time has come."""

    def move(self, tx: Tx, limit: int) -> Instant | None:
        """Put due jobs in line; return when there is something to do again."""
        tx.execute(_MOVE_DUE[tx.dialect], limit=limit)
        return self.next_at(tx)

    def next_at(self, tx: Tx) -> Instant | None:
        """Return when the next job is due, may go on by its rate, or has waited for too long."""
        row = tx.one(DUE)
        return row[0] if row else None
