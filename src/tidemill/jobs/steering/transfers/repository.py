"""The SQL of exports: whole jobs, oldest first."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import Tx
from tidemill.jobs.queueing.queue.models import Job, day_of
from tidemill.jobs.queueing.queue.repository import as_job, columns

_LIVE: Final = f"""
    SELECT {columns("jobs")} FROM jobs CROSS JOIN job_specs
    WHERE job_specs.id = jobs.spec_id AND jobs.tenant_id = :tenant_id AND jobs.id > :after
    ORDER BY jobs.id LIMIT :limit
"""  # noqa: S608 - constant names of columns
_PAST: Final = f"""
    SELECT {columns("job_history")} FROM job_history CROSS JOIN job_specs
    WHERE job_specs.id = job_history.spec_id AND job_history.tenant_id = :tenant_id
        AND job_history.day >= :day AND job_history.id > :after
    ORDER BY job_history.day, job_history.id LIMIT :limit
"""  # noqa: S608 - constant names of columns


class TransferRepository:
    """Jobs of one tenant, with code, arguments and results."""

    def live(self, tx: Tx, *, after: str, limit: int) -> list[Job]:
        """Return jobs that have not ended and were made after the one with the id `after`."""
        return [as_job(row) for row in tx.all(_LIVE, after=after, limit=limit)]

    def past(self, tx: Tx, *, after: str, limit: int) -> list[Job]:
        """Return jobs that have ended and were made after the one with the id `after`."""
        day = day_of(after) if after else 0
        return [as_job(row) for row in tx.all(_PAST, after=after, day=day, limit=limit)]
