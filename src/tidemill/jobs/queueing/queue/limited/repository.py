"""The SQL of jobs that are merged into others, or answered by an earlier result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from tidemill.core.ports import Tx
from tidemill.jobs.queueing.queue.claims import spec_of
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.specs.models import Spec
from tidemill.jobs.queueing.specs.repository import SpecRepository

_REPLACE: Final = """
    UPDATE jobs SET spec_id = :spec_id, tag = :tag, isolation = :isolation, args = :args,
        due_at = :due_at, order_key = :order_key, expires_at = :expires_at,
        concurrency_key = :concurrency_key, rate_key = :rate_key, traceparent = :traceparent,
        affinity_key = :affinity_key, labels = :labels
    WHERE tenant_id = :tenant_id AND id = :id AND state = 'scheduled'
"""
_CACHED: Final = """
    SELECT id, result FROM job_history
    WHERE tenant_id = :tenant_id AND cache_key = :cache_key AND finished_at > :after
        AND state = 'succeeded'
        AND (result_expires_at IS NULL OR result_expires_at > :now)
    ORDER BY finished_at DESC LIMIT 1
"""
_FROM_CACHE: Final = """
    UPDATE job_history SET cached_from = :cached_from, cache_key = NULL
    WHERE tenant_id = :tenant_id AND day = :day AND id = :id
"""
_LOCK_WAITING: Final = """
    SELECT id FROM jobs
    WHERE tenant_id = :tenant_id AND id = :id AND state = 'scheduled' AND attempts = 0
        AND worker_id IS NULL AND COALESCE(work_item_id, '') = :work_item_id
"""
_LABELS: Final = "SELECT labels FROM jobs WHERE tenant_id = :tenant_id AND id = :id"
_LIVING: Final = """
    SELECT id, spec_id, position FROM jobs
    WHERE tenant_id = :tenant_id AND concurrency_key = :key AND slot_at IS NOT NULL
        AND cancel_requested_at IS NULL
    UNION ALL
    SELECT id, spec_id, position FROM jobs
    WHERE waits_for = 'concurrency' AND tenant_id = :tenant_id AND gate_key = :key
"""
_SURPLUS: Final = {
    dialect: f"""
        WITH living AS ({_LIVING})
        SELECT id, spec_id FROM living
        WHERE position <= (SELECT position FROM living ORDER BY position DESC LIMIT 1 OFFSET :kept)
            AND spec_id NOT IN ({passed})
        ORDER BY position DESC LIMIT :limit
    """  # noqa: S608 - constants
    for dialect, passed in {
        "sqlite": "SELECT value FROM json_each(:passed)",
        "postgres": """
            SELECT CAST(one AS BIGINT)
            FROM jsonb_array_elements_text(CAST(CAST(:passed AS TEXT) AS jsonb)) AS one""",
    }.items()
}
_ENTER_AGAIN: Final = """
    UPDATE jobs SET waits_for = 'entry', gate_key = NULL
    WHERE tenant_id = :tenant_id AND id = :id AND waits_for = 'concurrency'
"""
_PLACE: Final = """
    SELECT waits_for FROM jobs WHERE tenant_id = :tenant_id AND id = :id
"""


class LimitedRepository:
    """Jobs of one tenant that are merged or answered."""

    def __init__(self) -> None:
        self._specs = SpecRepository()
        self._jobs = JobRepository()

    def mergeable(self, tx: Tx, id_: str, work_item_id: str | None) -> bool:
        """Return whether a job still waits for its time, and lock it."""
        suffix = " FOR UPDATE" if tx.dialect == "postgres" else ""
        row = tx.one(_LOCK_WAITING + suffix, id=id_, work_item_id=work_item_id or "")
        return row is not None

    def replace(self, tx: Tx, id_: str, job: Job, order_key: int) -> None:
        """Let a job that waits for its time become what `job` asks for."""
        spec = spec_of(job)
        before = tx.one(_LABELS, id=id_)
        if before is not None and before[0] != job.labels:
            self._jobs.relabel(tx, id_, before[0], job.labels)
        tx.execute(
            _REPLACE,
            id=id_,
            spec_id=self._specs.ids(tx, [spec])[spec],
            tag=job.tag,
            isolation=job.isolation,
            args=job.args,
            due_at=job.due_at,
            order_key=order_key,
            expires_at=job.expires_at,
            concurrency_key=job.concurrency_key,
            rate_key=job.rate_key,
            traceparent=job.traceparent,
            affinity_key=job.affinity_key,
            labels=job.labels,
        )

    def surplus(
        self, tx: Tx, key: str, *, kept: int, passed: Iterable[int], limit: int
    ) -> list[tuple[str, int]]:
        """Return jobs (id, specification) that have or want a slot of a key and shall go on.

        The newest `kept` are left out, and those of the specifications `passed`.
        """
        sql, others = _SURPLUS[tx.dialect], msgspec.json.encode(sorted(passed)).decode()
        rows = tx.all(sql, key=key, kept=kept, passed=others, limit=limit)
        return [(row[0], row[1]) for row in rows]

    def specs(self, tx: Tx, ids: Iterable[int]) -> Mapping[int, Spec]:
        """Return specifications by id."""
        return self._specs.all(tx, ids)

    def enter_again(self, tx: Tx, id_: str) -> None:
        """Let the limits of a job in line be asked once more, in another transaction."""
        tx.execute(_ENTER_AGAIN, id=id_)

    def cached(self, tx: Tx, cache_key: str, after: int) -> tuple[str, str | None] | None:
        """Return id and result of the latest success under a key that ended after an instant."""
        row = tx.one(_CACHED, cache_key=cache_key, after=after)
        return (row[0], row[1]) if row else None

    def from_cache(self, tx: Tx, job: Job, cached_from: str) -> None:
        """Write whose result a finished job has; it answers no other job itself."""
        tx.execute(_FROM_CACHE, day=job.day, id=job.id, cached_from=cached_from)

    def has_slot(self, tx: Tx, id_: str) -> bool:
        """Return whether a live job does not wait for a slot."""
        row = tx.one(_PLACE, id=id_)
        return row is not None and row[0] != "concurrency"
