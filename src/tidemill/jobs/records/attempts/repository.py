"""The SQL of attempts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tidemill.core.ports import Tx, Value
from tidemill.jobs.records.attempts.models import Attempt

_COLUMNS: Final = """
    tenant_id, job_id, epoch, attempt, worker_id, started_at, finished_at, outcome, error,
    peak_memory_bytes, cpu_microseconds
"""
_ADD: Final = f"""
    INSERT INTO job_attempts ({_COLUMNS})
    VALUES (:tenant, :job_id, :epoch, :attempt, :worker_id, :started_at, :finished_at, :outcome,
        :error, :peak_memory_bytes, :cpu_microseconds)
    ON CONFLICT (tenant_id, job_id, epoch) DO NOTHING
"""  # noqa: S608 - constant names of columns
_OF_JOB: Final = f"""
    SELECT {_COLUMNS} FROM job_attempts
    WHERE tenant_id = :tenant_id AND job_id = :job_id AND epoch > :after
    ORDER BY epoch LIMIT :limit
"""  # noqa: S608 - constant names of columns
_OF_NUMBER: Final = f"""
    SELECT {_COLUMNS} FROM job_attempts
    WHERE tenant_id = :tenant_id AND job_id = :job_id AND attempt = :attempt
    ORDER BY epoch DESC LIMIT 1
"""  # noqa: S608 - constant names of columns
_EPOCH: Final = """
    SELECT MAX(epoch) FROM job_attempts
    WHERE tenant_id = :tenant_id AND job_id = :job_id AND attempt = :attempt
"""
# Of all tenants: the dispatcher's own housekeeping.
_FORGET: Final = {
    "sqlite": """
        DELETE FROM job_attempts WHERE rowid IN (
            SELECT rowid FROM job_attempts WHERE finished_at < :before LIMIT :limit
        )
    """,
    "postgres": """
        DELETE FROM job_attempts WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM job_attempts WHERE finished_at < :before LIMIT :limit
        ))
    """,
}


class AttemptRepository:
    """Attempts that were not a job's last."""

    def add(self, tx: Tx, attempts: Iterable[Attempt]) -> None:
        """Keep attempts of jobs of any tenant; safe to repeat."""
        rows: Iterable[dict[str, Value]] = (
            {
                "tenant": one.tenant_id,
                "job_id": one.job_id,
                "epoch": one.epoch,
                "attempt": one.attempt,
                "worker_id": one.worker_id,
                "started_at": one.started_at,
                "finished_at": one.finished_at,
                "outcome": one.outcome,
                "error": one.error,
                "peak_memory_bytes": one.peak_memory_bytes,
                "cpu_microseconds": one.cpu_microseconds,
            }
            for one in attempts
        )
        tx.execute_many(_ADD, rows)

    def of_job(self, tx: Tx, job_id: str, *, after: int, limit: int) -> list[Attempt]:
        """Return earlier attempts of a job beyond an epoch, the first one first."""
        return [Attempt(*row) for row in tx.all(_OF_JOB, job_id=job_id, after=after, limit=limit)]

    def find(self, tx: Tx, job_id: str, attempt: int) -> Attempt | None:
        """Return an earlier attempt of a job by its number, the latest one that has it."""
        row = tx.one(_OF_NUMBER, job_id=job_id, attempt=attempt)
        return None if row is None else Attempt(*row)

    def epoch_of(self, tx: Tx, job_id: str, attempt: int) -> int | None:
        """Return the epoch of an earlier attempt of a job, if it is known."""
        row = tx.one(_EPOCH, job_id=job_id, attempt=attempt)
        return None if row is None else row[0]

    def forget(self, tx: Tx, *, before: int, limit: int) -> int:
        """Delete a portion of what ended before `before`; return how many went."""
        return tx.execute(_FORGET[tx.dialect], before=before, limit=limit)
