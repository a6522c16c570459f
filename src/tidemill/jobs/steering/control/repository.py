"""The SQL of single changes to jobs, and of which job was made from which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

_MOVE: Final = """
    UPDATE jobs
    SET state = CASE WHEN state IN ('queued', 'waiting') THEN 'scheduled' ELSE state END,
        order_key = order_key + (:due_at - due_at), due_at = :due_at,
        snoozes = NULLIF(COALESCE(snoozes, 0) + :snoozed, 0)
    WHERE tenant_id = :tenant_id AND id = :id AND worker_id IS NULL
"""
_ADD: Final = """
    INSERT INTO job_origins (tenant_id, job_id, origin_id, kind, created_at)
    VALUES (:tenant_id, :job_id, :origin_id, :kind, :now)
    ON CONFLICT DO NOTHING
"""
_RETRY: Final = """
    SELECT job_id FROM job_origins
    WHERE tenant_id = :tenant_id AND origin_id = :origin_id AND kind = 'retry'
"""
_ORIGIN: Final = """
    SELECT origin_id FROM job_origins WHERE tenant_id = :tenant_id AND job_id = :job_id
"""
_RETRIED: Final = {
    "sqlite": """
        SELECT origin_id FROM job_origins
        WHERE tenant_id = :tenant_id AND kind = 'retry'
            AND origin_id IN (SELECT value FROM json_each(:ids))
    """,
    "postgres": """
        SELECT origin_id FROM job_origins
        WHERE tenant_id = :tenant_id AND kind = 'retry' AND origin_id IN (
            SELECT one FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS one)
    """,
}


class ControlRepository:
    """Changes to jobs of one tenant."""

    def move(self, tx: Tx, job_id: str, due_at: Instant, *, snoozed: bool) -> bool:
        """Set the time of a job that no worker has; return whether it was still so."""
        return bool(tx.execute(_MOVE, id=job_id, due_at=due_at, snoozed=int(snoozed)))

    def add_origin(self, tx: Tx, job_id: str, origin_id: str, kind: str) -> bool:
        """Write what a job was made from; return False when that has its one retry already."""
        values = {"job_id": job_id, "origin_id": origin_id, "kind": kind}
        return bool(tx.execute(_ADD, **values))

    def retry_of(self, tx: Tx, origin_id: str) -> str | None:
        """Return the job that retries `origin_id`."""
        row = tx.one(_RETRY, origin_id=origin_id)
        return row[0] if row else None

    def retried(self, tx: Tx, ids: Sequence[str]) -> set[str]:
        """Return which of `ids` have their retry."""
        rows = tx.all(_RETRIED[tx.dialect], ids=msgspec.json.encode(ids).decode())
        return {row[0] for row in rows}

    def origin_of(self, tx: Tx, job_id: str) -> str | None:
        """Return what a job was made from."""
        row = tx.one(_ORIGIN, job_id=job_id)
        return row[0] if row else None
