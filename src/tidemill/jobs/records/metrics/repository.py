"""The SQL of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidemill.core.ports import Tx
from tidemill.jobs.records.metrics.models import metrics_max

_PUT: Final = """
    INSERT INTO job_metrics (tenant_id, job_id, name, value, updated_at)
    VALUES (:tenant_id, :job_id, :name, :value, :now)
    ON CONFLICT (tenant_id, job_id, name) DO UPDATE
    SET value = excluded.value, updated_at = excluded.updated_at
"""
_OF_JOB: Final = """
    SELECT name, value FROM job_metrics
    WHERE tenant_id = :tenant_id AND job_id = :job_id ORDER BY name LIMIT :limit
"""


class MetricRepository:
    """Metrics of one tenant's jobs."""

    def put(self, tx: Tx, job_id: str, values: Mapping[str, float]) -> None:
        """Write the latest values; names that are left out keep theirs."""
        for name in sorted(values):
            tx.execute(_PUT, job_id=job_id, name=name, value=values[name])

    def of_job(self, tx: Tx, job_id: str) -> dict[str, float]:
        """Return the metrics of a job by name."""
        rows = tx.all(_OF_JOB, job_id=job_id, limit=metrics_max)
        return {name: float(value) for name, value in rows}
