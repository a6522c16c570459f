"""The SQL of jobs as their tenants see them: enqueue, look up, cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.ports import Tx, Value
from tidemill.jobs.contract import JobState
from tidemill.jobs.limits.gates.repository import GateRepository
from tidemill.jobs.limits.repository import LimitRepository
from tidemill.jobs.queueing.history.repository import Move, move
from tidemill.jobs.queueing.queue.claims import spec_of
from tidemill.jobs.queueing.queue.models import Job, day_of, is_uuid7
from tidemill.jobs.queueing.specs.models import Spec
from tidemill.jobs.queueing.specs.repository import SpecRepository

_SPEC: Final = frozenset(Spec.__struct_fields__) - {"tenant_id"}
_COMMON: Final = (
    "tenant_id", "id", "key", "tag", "isolation", "priority", "state", "due_at", "created_at",
    "actor", "script_path", "language", "content_hash", "content", "args", "work_item_id",
    "trigger_id", "traceparent", "timeout_seconds", "attempts", "attempts_max", "rescues", "epoch",
    "worker_id", "started_at", "cancelled_by", "error",
)  # fmt: skip
_PAST_ONLY: Final = ("finished_at", "peak_memory_bytes", "result", "cpu_microseconds")
_LAST: Final = (
    "parent_id", "root_id", "labels", "snoozes", "requires", "affinity_key", "limits",
    "concurrency_key", "rate_key", "waits_for", "expires_at", "cached_from", "result_expires_at",
    "own",
)  # fmt: skip
listed_chars_max: Final = 2_000
"""Longer arguments are left out of lists: jobs may have a hundred times as much."""
_KEPT_RESULT: Final = """
    CASE WHEN job_history.result_expires_at <= :now THEN NULL ELSE job_history.result END
"""
_ABSENT: Final = {
    "jobs": frozenset({"cached_from", "result_expires_at"}),
    "job_history": frozenset({"rate_key", "waits_for", "expires_at"}),
}


def columns(table: str, *, bodies: bool = True) -> str:
    """Return the columns of a `Job`, in its order; without `bodies` those that lists show."""
    names = [f"job_specs.{name}" if name in _SPEC else f"{table}.{name}" for name in _COMMON]
    if not bodies:
        # Of what a job runs, a list shows no more than a function's name.
        name = "CASE WHEN job_specs.language = 'function' THEN job_specs.content END"
        names[_COMMON.index("content")] = name
        # Not by their length, for which PostgreSQL would read and unpack all of them.
        beyond = f"SUBSTR({table}.args, {listed_chars_max + 1}, 1)"
        names[_COMMON.index("args")] = f"CASE WHEN {beyond} = '' THEN {table}.args ELSE '' END"
    last = [
        "NULL"
        if name in _ABSENT[table]
        else f"job_specs.{name}"
        if name in _SPEC
        else f"{table}.{name}"
        for name in _LAST
    ]
    if table == "jobs":
        return ", ".join((*names, "jobs.cancel_requested_at", "NULL", "0", "NULL", "0", *last))
    past = [f"job_history.{name}" for name in _PAST_ONLY]
    past[_PAST_ONLY.index("result")] = _KEPT_RESULT
    if not bodies:
        past[_PAST_ONLY.index("result")] = "NULL"
    return ", ".join((*names, "NULL", *past, *last))


# A cross join keeps SQLite from beginning with the specifications.
LIVE: Final = f"{columns('jobs')} FROM jobs CROSS JOIN job_specs"
JOINED: Final = "job_specs.id = jobs.spec_id"
_LIVE_BY_ID: Final = f"""
    SELECT {LIVE} WHERE {JOINED} AND jobs.tenant_id = :tenant_id AND jobs.id = :id
"""
_PAST_BY_ID: Final = f"""
    SELECT {columns("job_history")} FROM job_history CROSS JOIN job_specs
    WHERE job_specs.id = job_history.spec_id
        AND job_history.tenant_id = :tenant_id AND day = :day AND job_history.id = :id
"""  # noqa: S608 - constant names of columns
_TYPES: Final = {
    "id": "TEXT", "spec_id": "BIGINT", "tag": "TEXT", "isolation": "TEXT", "order_key": "BIGINT",
    "state": "TEXT", "due_at": "BIGINT", "args": "TEXT", "key": "TEXT", "work_item_id": "TEXT",
    "trigger_id": "TEXT", "traceparent": "TEXT", "parent_id": "TEXT", "root_id": "TEXT",
    "labels": "TEXT", "affinity_key": "TEXT",
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
_INSERT_LABEL: Final = """
    INSERT INTO job_labels (tenant_id, label, day, job_id)
    VALUES (:tenant_id, :label, :day, :job_id)
    ON CONFLICT (tenant_id, label, day, job_id) DO NOTHING
"""
_DELETE_LABEL: Final = """
    DELETE FROM job_labels
    WHERE tenant_id = :tenant_id AND label = :label AND day = :day AND job_id = :job_id
"""
_INSERT_KEY: Final = """
    INSERT INTO job_keys (tenant_id, key, job_id, fingerprint, created_at)
    VALUES (:tenant_id, :key, :job_id, :fingerprint, :now)
    ON CONFLICT (tenant_id, key) DO NOTHING
"""
_TIE_KEY: Final = """
    UPDATE job_keys SET job_id = :job_id WHERE tenant_id = :tenant_id AND key = :key
"""
_FREE_KEY: Final = "DELETE FROM job_keys WHERE tenant_id = :tenant_id AND key = :key"
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
        WHERE tenant_id = :tenant_id AND state IN ('queued', 'scheduled', 'waiting')
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
    state: str
    due_at: int
    args: str
    key: str | None = None
    work_item_id: str | None = None
    trigger_id: str | None = None
    traceparent: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    labels: str | None = None
    affinity_key: str | None = None


_NAMES: Final = _New.__struct_fields__
_PLAIN: Final = len(_NAMES) - len(_New.__struct_defaults__)
_NOTHING: Final = _New.__struct_defaults__
_INSERT_PLAIN: Final = f"""
    INSERT INTO jobs (tenant_id, created_at, {", ".join(_NAMES[:_PLAIN])})
    VALUES (:tenant_id, :now, {", ".join(f":{name}" for name in _NAMES[:_PLAIN])})
"""  # noqa: S608 - constant names of columns

# One statement for many rows that differ in these only: two fifths of what a statement for each
# costs, from a few rows on.
_OWN: Final = ("id", "args")
_INSERT_RUN: Final = f"""
    INSERT INTO jobs (tenant_id, created_at, {", ".join(_NAMES[:_PLAIN])})
    SELECT :tenant_id, :now, {
    ", ".join(
        f"new.value ->> {_OWN.index(name)}" if name in _OWN else f":{name}"
        for name in _NAMES[:_PLAIN]
    )
}
    FROM json_each(:jobs) AS new
"""  # noqa: S608 - constant names of columns
_run_min: Final = 4

# In JSON it would be escaped, so it can only stand between two texts.
_SEPARATOR: Final = "\x1f"
_INSERT_ALIKE: Final = """
    INSERT INTO jobs (tenant_id, created_at, id, spec_id, tag, isolation, order_key, state, due_at,
        args)
    SELECT CAST(:tenant_id AS TEXT), CAST(:now AS BIGINT), new.id, CAST(:spec_id AS BIGINT),
        CAST(:tag AS TEXT), CAST(:isolation AS TEXT), CAST(:order_key AS BIGINT),
        CAST(:state AS TEXT), CAST(:due_at AS BIGINT), new.args
    FROM unnest(string_to_array(CAST(:ids AS TEXT), chr(31)),
        string_to_array(CAST(:arguments AS TEXT), chr(31))) AS new (id, args)
"""


class JobRepository:
    """Jobs of one tenant, live and finished."""

    def __init__(self) -> None:
        self._specs = SpecRepository()
        self._limits = LimitRepository()
        self._gates = GateRepository()

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
                job.state.value,
                job.due_at,
                job.args,
                job.key,
                job.work_item_id,
                job.trigger_id,
                job.traceparent,
                job.parent_id,
                job.root_id,
                job.labels,
                job.affinity_key,
            )
            for (job, key), spec in zip(jobs, specs, strict=True)
        ]
        if tx.dialect == "postgres":
            tx.defer(_INSERT["postgres"], jobs=msgspec.json.encode(rows).decode())
        else:
            values = [structs.astuple(row) for row in rows]
            if all(value[_PLAIN:] == _NOTHING for value in values):
                # Only those side by side, so that they stay in line as they came.
                for _, run in groupby(rows, key=_shared):
                    _insert_plain(tx, list(run))
            else:
                tx.execute_rows(_INSERT["sqlite"], _NAMES, values)
        labelled = [(job.id, job.labels) for job, _ in jobs if job.labels is not None]
        if labelled:
            tx.execute_many(_INSERT_LABEL, _labels(labelled))

    def relabel(self, tx: Tx, id_: str, before: str | None, after: str | None) -> None:
        """Let a live job be found by other labels, which are JSON."""
        tx.execute_many(_DELETE_LABEL, _labels([(id_, before)]))
        tx.execute_many(_INSERT_LABEL, _labels([(id_, after)]))

    def add_alike(
        self, tx: Tx, job: Job, order_key: int, ids: Sequence[str], arguments: Sequence[bytes]
    ) -> None:
        """Insert jobs that differ from `job` in id and arguments only, and have nothing special."""
        spec = spec_of(job)
        spec_id = self._specs.ids(tx, [spec])[spec]
        state, due_at = job.state.value, job.due_at
        if tx.dialect == "postgres":
            tx.defer(
                _INSERT_ALIKE,
                ids=_SEPARATOR.join(ids),
                arguments=_SEPARATOR.encode().join(arguments).decode(),
                spec_id=spec_id,
                tag=job.tag,
                isolation=job.isolation,
                order_key=order_key,
                state=state,
                due_at=due_at,
            )
            return
        pairs = [(id_, args.decode()) for id_, args in zip(ids, arguments, strict=True)]
        tx.execute(
            _INSERT_RUN,
            jobs=msgspec.json.encode(pairs).decode(),
            spec_id=spec_id,
            tag=job.tag,
            isolation=job.isolation,
            order_key=order_key,
            state=state,
            due_at=due_at,
        )

    def claim_key(self, tx: Tx, job: Job, fingerprint: str) -> bool:
        """Tie the client's id to `job`; return False when it is tied to one already."""
        return bool(tx.execute(_INSERT_KEY, key=job.key, job_id=job.id, fingerprint=fingerprint))

    def tie_key(self, tx: Tx, key: str, job_id: str) -> None:
        """Tie a client's id that was just claimed to the job that stands for the new one."""
        tx.execute(_TIE_KEY, key=key, job_id=job_id)

    def free_key(self, tx: Tx, key: str) -> None:
        """Give up a client's id that was just claimed."""
        tx.execute(_FREE_KEY, key=key)

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

    def finish(self, tx: Tx, job: Job) -> bool:
        """Move a locked job of this tenant to the history; return whether another may start."""
        if job.concurrency_key is None:
            move(tx, [move_of(job)], held=False)
            return False
        self._gates.leave(tx, [(job.tenant_id, job.id)])
        move(tx, [move_of(job)], held=False)
        return bool(self._limits.admit(tx, job.tenant_id, job.concurrency_key))

    def request_cancel(self, tx: Tx, id_: str, cancelled_by: str) -> None:
        """Remember that a job that a worker holds shall end."""
        tx.execute(_REQUEST_CANCEL, id=id_, cancelled_by=cancelled_by)

    def count_open(self, tx: Tx, limit: int) -> int:
        """Return how many jobs wait, `limit` at most."""
        row = tx.one(_COUNT_OPEN, limit=limit)
        return int(row[0]) if row else 0

    def _by_id(self, tx: Tx, id_: str) -> Job | None:
        row = tx.one(_LIVE_BY_ID, id=id_) or tx.one(_PAST_BY_ID, id=id_, day=day_of(id_))
        return as_job(row) if row else None


def _insert_plain(tx: Tx, rows: Sequence[_New]) -> None:
    """Insert rows that differ in id and arguments only, on SQLite."""
    if len(rows) < _run_min:
        values = (structs.astuple(row)[:_PLAIN] for row in rows)
        tx.execute_rows(_INSERT_PLAIN, _NAMES[:_PLAIN], values)
        return
    shared = dict(zip(_SHARED, _shared(rows[0]), strict=True))
    pairs = [(row.id, row.args) for row in rows]
    tx.execute(_INSERT_RUN, jobs=msgspec.json.encode(pairs).decode(), **shared)


_SHARED: Final = tuple(name for name in _NAMES[:_PLAIN] if name not in _OWN)
_shared: Final[Callable[[_New], tuple[Value, ...]]] = attrgetter(*_SHARED)


def _labels(jobs: Iterable[tuple[str, str | None]]) -> Iterator[dict[str, Value]]:
    for id_, labels in jobs:
        for label in msgspec.json.decode(labels or "[]"):
            yield {"label": label, "day": day_of(id_), "job_id": id_}


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
