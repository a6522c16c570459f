"""The SQL of jobs as their tenants see them: enqueue, look up, list, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.ports import Tx, Value
from tidemill.jobs.contract import JobState
from tidemill.jobs.history.repository import Move, move
from tidemill.jobs.queue.claims import spec_of
from tidemill.jobs.queue.models import Job, JobFilter, day_of, is_uuid7
from tidemill.jobs.specs.models import Spec
from tidemill.jobs.specs.repository import SpecRepository

_SPEC: Final = frozenset(Spec.__struct_fields__) - {"tenant_id"}
_COMMON: Final = (
    "tenant_id", "id", "key", "tag", "isolation", "priority", "state", "due_at", "created_at",
    "actor", "script_path", "language", "content_hash", "content", "args", "work_item_id",
    "trigger_id", "traceparent", "timeout_seconds", "attempts", "attempts_max", "rescues", "epoch",
    "worker_id", "started_at", "cancelled_by", "error",
)  # fmt: skip
_PAST_ONLY: Final = ("finished_at", "peak_memory_bytes", "result", "cpu_microseconds")


def _columns(table: str, *, bodies: bool = True) -> str:
    """Return the columns of a `Job`, in its order; without `bodies` those that lists show."""
    names = [f"job_specs.{name}" if name in _SPEC else f"{table}.{name}" for name in _COMMON]
    if not bodies:
        # Of what a job runs, a list shows no more than a function's name.
        name = "CASE WHEN job_specs.language = 'function' THEN job_specs.content END"
        names[_COMMON.index("content")] = name
    if table == "jobs":
        return ", ".join((*names, "jobs.cancel_requested_at"))
    past = [f"job_history.{name}" for name in _PAST_ONLY]
    if not bodies:
        past[_PAST_ONLY.index("result")] = "NULL"
    return ", ".join((*names, "NULL", *past))


# A cross join keeps SQLite from beginning with the specifications.
LIVE: Final = f"{_columns('jobs')} FROM jobs CROSS JOIN job_specs"
JOINED: Final = "job_specs.id = jobs.spec_id"
_LIVE_BY_ID: Final = f"""
    SELECT {LIVE} WHERE {JOINED} AND jobs.tenant_id = :tenant_id AND jobs.id = :id
"""
_PAST_BY_ID: Final = f"""
    SELECT {_columns("job_history")} FROM job_history CROSS JOIN job_specs
    WHERE job_specs.id = job_history.spec_id
        AND job_history.tenant_id = :tenant_id AND day = :day AND job_history.id = :id
"""  # noqa: S608 - constant names of columns
_LIST_LIVE: Final = f"""
    SELECT {_columns("jobs", bodies=False)} FROM jobs CROSS JOIN job_specs
    WHERE {JOINED} AND jobs.tenant_id = :tenant_id AND jobs.id < :before
"""  # noqa: S608 - constant names of columns
_LIST_PAST: Final = f"""
    SELECT {_columns("job_history", bodies=False)} FROM job_history CROSS JOIN job_specs
    WHERE job_specs.id = job_history.spec_id
        AND job_history.tenant_id = :tenant_id AND day <= :day AND job_history.id < :before
"""  # noqa: S608 - constant names of columns
_ORDER: Final = {"jobs": "jobs.id DESC", "job_history": "day DESC, job_history.id DESC"}

_TYPES: Final = {
    "id": "TEXT", "spec_id": "BIGINT", "tag": "TEXT", "isolation": "TEXT", "order_key": "BIGINT",
    "state": "TEXT", "due_at": "BIGINT", "args": "TEXT", "key": "TEXT", "work_item_id": "TEXT",
    "trigger_id": "TEXT", "traceparent": "TEXT",
}  # fmt: skip
_INSERT: Final = {
    "sqlite": f"""
        INSERT INTO jobs (tenant_id, created_at, {", ".join(_TYPES)})
        VALUES (:tenant_id, :now, {", ".join(f":{name}" for name in _TYPES)})
    """,  # noqa: S608 - constant names of columns
    "postgres": f"""
        INSERT INTO jobs (tenant_id, created_at, {", ".join(_TYPES)})
        SELECT CAST(:tenant_id AS TEXT), CAST(:now AS BIGINT), new.*
        FROM json_to_recordset(CAST(CAST(:jobs AS TEXT) AS json))
            AS new ({", ".join(f"{name} {type_}" for name, type_ in _TYPES.items())})
    """,  # noqa: S608 - constant names of columns
}
_INSERT_KEY: Final = """
    INSERT INTO job_keys (tenant_id, key, job_id, fingerprint, created_at)
    VALUES (:tenant_id, :key, :job_id, :fingerprint, :now)
    ON CONFLICT (tenant_id, key) DO NOTHING
"""
_KEY: Final = """
    SELECT job_id, fingerprint FROM job_keys WHERE tenant_id = :tenant_id AND key = :key
"""
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


class _New(Struct, frozen=True, omit_defaults=True):
    """A row of a new job; what is left out is null."""

    id: str
    spec_id: int
    tag: str
    isolation: str
    order_key: int
    state: JobState
    due_at: int
    args: str
    key: str | None = None
    work_item_id: str | None = None
    trigger_id: str | None = None
    traceparent: str | None = None


class JobRepository:
    """Jobs of one tenant, live and finished."""

    def __init__(self) -> None:
        self._specs = SpecRepository()

    def add(self, tx: Tx, jobs: Sequence[tuple[Job, int]]) -> None:
        """Insert new jobs of this tenant, each with its order key."""
        if not jobs:
            return
        specs = [spec_of(job) for job, _ in jobs]
        ids = self._specs.ids(tx, specs)
        rows = [
            _New(
                job.id,
                ids[spec],
                job.tag,
                job.isolation,
                key,
                job.state,
                job.due_at,
                job.args,
                job.key,
                job.work_item_id,
                job.trigger_id,
                job.traceparent,
            )
            for (job, key), spec in zip(jobs, specs, strict=True)
        ]
        if tx.dialect == "postgres":
            tx.execute(_INSERT["postgres"], jobs=msgspec.json.encode(rows).decode())
        else:
            tx.execute_many(_INSERT["sqlite"], map(structs.asdict, rows))

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
        suffix = " FOR UPDATE OF jobs" if tx.dialect == "postgres" else ""
        row = tx.one(_LIVE_BY_ID + suffix, id=id_)
        return as_job(row) if row else None

    def finish(self, tx: Tx, job: Job) -> None:
        """Move a locked job of this tenant to the history."""
        move(tx, [move_of(job)], held=False)

    def request_cancel(self, tx: Tx, id_: str, cancelled_by: str) -> None:
        """Remember that a job that a worker holds shall end."""
        tx.execute(_REQUEST_CANCEL, id=id_, cancelled_by=cancelled_by)

    def count_open(self, tx: Tx, limit: int) -> int:
        """Return how many jobs wait, `limit` at most."""
        row = tx.one(_COUNT_OPEN, limit=limit)
        return int(row[0]) if row else 0

    def list(self, tx: Tx, wanted: JobFilter, *, before: str, limit: int) -> list[Job]:
        """Return jobs, the latest first, without code and result."""
        rows: list[Sequence[Any]] = []
        if wanted.state is None or not wanted.state.final:
            sql, values = _matching(_LIST_LIVE, "jobs", wanted)
            rows.extend(tx.all(sql, before=before, limit=limit, **values))
        if wanted.state is None or wanted.state.final:
            sql, values = _matching(_LIST_PAST, "job_history", wanted)
            rows.extend(tx.all(sql, before=before, day=day_of(before), limit=limit, **values))
        jobs = sorted((as_job(row) for row in rows), key=lambda job: job.id, reverse=True)
        return jobs[:limit]

    def _by_id(self, tx: Tx, id_: str) -> Job | None:
        row = tx.one(_LIVE_BY_ID, id=id_) or tx.one(_PAST_BY_ID, id=id_, day=day_of(id_))
        return as_job(row) if row else None


def _matching(select: str, table: str, wanted: JobFilter) -> tuple[str, dict[str, Value]]:
    values = {name: value for name, value in structs.asdict(wanted).items() if value is not None}
    clauses = "".join(
        f" AND {'job_specs' if name in _SPEC else table}.{name} = :{name}" for name in values
    )
    sql = f"{select}{clauses} ORDER BY {_ORDER[table]} LIMIT :limit"
    return sql, {name: str(value) for name, value in values.items()}


def move_of(job: Job) -> Move:
    """Return the move of a job whose end was decided here."""
    if job.finished_at is None:
        raise ValueError(f"The job {job.id} has not ended.")
    return Move(
        job.tenant_id,
        job.id,
        job.epoch,
        job.day,
        job.state,
        job.finished_at,
        job.peak_memory_bytes,
        job.cpu_microseconds,
        job.result,
        job.error,
        job.started_at,
        job.rescues,
        job.cancelled_by,
    )


def as_job(row: Sequence[Any]) -> Job:
    """Return the job in a row of the live table or the history."""
    job = Job(*row)
    return structs.replace(job, state=JobState(job.state))
