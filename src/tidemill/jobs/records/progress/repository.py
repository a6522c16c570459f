"""The SQL of progress."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import Tx
from tidemill.jobs.records.progress.models import Progress

_PUT: Final = """
    INSERT INTO job_progress_notes (tenant_id, job_id, percent, text, updated_at)
    VALUES (:tenant_id, :job_id, :percent, :text, :now)
    ON CONFLICT (tenant_id, job_id) DO UPDATE
    SET percent = excluded.percent, text = excluded.text, updated_at = excluded.updated_at
"""
_FIND: Final = """
    SELECT percent, text, updated_at FROM job_progress_notes
    WHERE tenant_id = :tenant_id AND job_id = :job_id
"""


class ProgressRepository:
    """Progress of one tenant's jobs."""

    def put(self, tx: Tx, job_id: str, percent: float, text: str) -> None:
        """Write how far a job is."""
        tx.execute(_PUT, job_id=job_id, percent=percent, text=text)

    def find(self, tx: Tx, job_id: str) -> Progress | None:
        """Return how far a job is, if it has said so."""
        row = tx.one(_FIND, job_id=job_id)
        return Progress(*row) if row else None
