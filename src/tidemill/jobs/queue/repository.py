"""The SQL of jobs as their tenants see them: enqueue, look up, list, cancel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import structs

from tidemill.core.ports import Tx, Value
from tidemill.jobs.contract import JobState
from tidemill.jobs.queue.models import Job, JobFilter, day_of, is_uuid7

COMMON: Final = (
    "tenant_id", "id", "key", "tag", "isolation", "priority", "state", "due_at", "created_at",
    "actor", "script_path", "language", "content_hash", "content", "args", "work_item_id",
    "trigger_id", "traceparent", "timeout_seconds", "attempts", "attempts_max", "rescues", "epoch",
    "worker_id", "started_at", "cancelled_by", "error",
)  # fmt: skip
_LIVE: Final = (*COMMON, "cancel_requested_at")
_PAST: Final = (*COMMON, "finished_at", "peak_memory_bytes", "result")
# Lists show no bodies, so they do not read them.
_NAME: Final = "CASE WHEN language = 'function' THEN content END"
_SHORT: Final = tuple(_NAME if name == "content" else name for name in COMMON)

LIVE_COLUMNS: Final = ", ".join(f"jobs.{name}" for name in _LIVE)
_PAST_COLUMNS: Final = ", ".join(
    (*COMMON, "NULL AS cancel_requested_at", "finished_at", "peak_memory_bytes", "result")
)
_INSERTED: Final = (*_LIVE, "order_key")
_INSERT: Final = f"""
    INSERT INTO jobs ({", ".join(_INSERTED)})
    VALUES ({", ".join(f":{name}" for name in _INSERTED)})
"""  # noqa: S608 - constant names of columns
_HISTORY: Final = ("day", *_PAST)
INSERT_HISTORY: Final = f"""
    INSERT INTO job_history ({", ".join(_HISTORY)})
    VALUES ({", ".join(":tenant" if name == "tenant_id" else f":{name}" for name in _HISTORY)})
"""  # noqa: S608 - constant names of columns
_INSERT_KEY: Final = """
    INSERT INTO job_keys (tenant_id, key, job_id, fingerprint, created_at)
    VALUES (:tenant_id, :key, :job_id, :fingerprint, :now)
    ON CONFLICT (tenant_id, key) DO NOTHING
"""
_KEY: Final = """
    SELECT job_id, fingerprint FROM job_keys WHERE tenant_id = :tenant_id AND key = :key
"""
_LIVE_BY_ID: Final = f"""
    SELECT {LIVE_COLUMNS} FROM jobs WHERE tenant_id = :tenant_id AND id = :id
"""  # noqa: S608 - only constants of this module are put in
_PAST_BY_ID: Final = f"""
    SELECT {_PAST_COLUMNS} FROM job_history
    WHERE tenant_id = :tenant_id AND day = :day AND id = :id
"""  # noqa: S608 - constant names of columns
_DELETE: Final = "DELETE FROM jobs WHERE tenant_id = :tenant_id AND id = :id AND epoch = :epoch"
_REQUEST_CANCEL: Final = """
    UPDATE jobs SET cancel_requested_at = :now, cancelled_by = :cancelled_by
    WHERE tenant_id = :tenant_id AND id = :id AND cancel_requested_at IS NULL
"""
_COUNT_OPEN: Final = """
    SELECT COUNT(*) FROM (
        SELECT 1 FROM jobs
        WHERE tenant_id = :tenant_id AND state IN ('queued', 'scheduled')
        LIMIT :limit
    ) AS waiting
"""
_LIST_LIVE: Final = f"""
    SELECT {", ".join((*_SHORT, "cancel_requested_at", "NULL", "0", "NULL"))} FROM jobs
    WHERE tenant_id = :tenant_id AND id < :before
"""  # noqa: S608 - constant names of columns
_LIST_PAST: Final = f"""
    SELECT {", ".join((*_SHORT, "NULL", "finished_at", "peak_memory_bytes", "NULL"))}
    FROM job_history
    WHERE tenant_id = :tenant_id AND day <= :day AND id < :before
"""  # noqa: S608 - constant names of columns


class JobRepository:
    """Jobs of one tenant, live and finished."""

    def add(self, tx: Tx, jobs: Iterable[tuple[Job, int]]) -> None:
        """Insert jobs, each with its order key."""
        tx.execute_many(_INSERT, ({**live_row(job), "order_key": key} for job, key in jobs))

    def claim_key(self, tx: Tx, job: Job, fingerprint: str) -> bool:
        """Tie the client's id to `job`; return False when it is tied to one already."""
        return bool(tx.execute(_INSERT_KEY, key=job.key, job_id=job.id, fingerprint=fingerprint))

    def key(self, tx: Tx, key: str) -> tuple[str, str] | None:
        """Return the job and the fingerprint that a client's id is tied to."""
        row = tx.one(_KEY, key=key)
        return (row[0], row[1]) if row else None

    def find(self, tx: Tx, reference: str) -> Job | None:
        """Return the job with this id, made here or chosen by a client."""
        found = self._by_id(tx, reference) if is_uuid7(reference) else None
        if found is not None:
            return found
        tied = self.key(tx, reference)
        return self._by_id(tx, tied[0]) if tied else None

    def is_taken(self, tx: Tx, key: str) -> bool:
        """Return whether what a client chose as an id is one that was made here."""
        return is_uuid7(key) and self._by_id(tx, key) is not None

    def lock(self, tx: Tx, id_: str) -> Job | None:
        """Return a live job that nobody else changes before this transaction ends."""
        suffix = " FOR UPDATE" if tx.dialect == "postgres" else ""
        row = tx.one(_LIVE_BY_ID + suffix, id=id_)
        return as_job(row) if row else None

    def finish(self, tx: Tx, job: Job) -> None:
        """Move a locked job of this tenant to the history."""
        tx.execute(_DELETE, id=job.id, epoch=job.epoch)
        tx.execute_many(INSERT_HISTORY, [history_row(job)])

    def request_cancel(self, tx: Tx, id_: str, cancelled_by: str) -> None:
        """Remember that a job that a worker holds shall end."""
        tx.execute(_REQUEST_CANCEL, id=id_, cancelled_by=cancelled_by)

    def count_open(self, tx: Tx, limit: int) -> int:
        """Return how many jobs wait, `limit` at most."""
        row = tx.one(_COUNT_OPEN, limit=limit)
        return int(row[0]) if row else 0

    def list(self, tx: Tx, wanted: JobFilter, *, before: str, limit: int) -> list[Job]:
        """Return jobs, the latest first, without code and result."""
        clauses, values = _conditions(wanted)
        rows: list[Sequence[Any]] = []
        if wanted.state is None or not wanted.state.final:
            sql = f"{_LIST_LIVE}{clauses} ORDER BY id DESC LIMIT :limit"
            rows.extend(tx.all(sql, before=before, limit=limit, **values))
        if wanted.state is None or wanted.state.final:
            sql = f"{_LIST_PAST}{clauses} ORDER BY day DESC, id DESC LIMIT :limit"
            day = day_of(before)
            rows.extend(tx.all(sql, before=before, day=day, limit=limit, **values))
        jobs = sorted((as_job(row) for row in rows), key=lambda job: job.id, reverse=True)
        return jobs[:limit]

    def _by_id(self, tx: Tx, id_: str) -> Job | None:
        row = tx.one(_LIVE_BY_ID, id=id_) or tx.one(_PAST_BY_ID, id=id_, day=day_of(id_))
        return as_job(row) if row else None


def _conditions(wanted: JobFilter) -> tuple[str, dict[str, Value]]:
    values = {name: value for name, value in structs.asdict(wanted).items() if value is not None}
    clauses = "".join(f" AND {name} = :{name}" for name in values)
    return clauses, {name: str(value) for name, value in values.items()}


def as_job(row: Sequence[Any]) -> Job:
    """Return the job in a row of the live table or the history."""
    job = Job(*row)
    return structs.replace(job, state=JobState(job.state))


def live_row(job: Job) -> dict[str, Value]:
    """Return the columns of a live job."""
    return {name: getattr(job, name) for name in _LIVE}


def history_row(job: Job) -> dict[str, Value]:
    """Return the columns of a finished job; its tenant is bound as `tenant`."""
    row: dict[str, Value] = {name: getattr(job, name) for name in _PAST}
    return {**row, "tenant": job.tenant_id, "day": job.day}
