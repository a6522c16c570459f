"""The SQL of the dispatcher: it works across tenants, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tidemill.core.clock import Instant
from tidemill.core.ports import Row, Tx, Value
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.due.repository import DUE
from tidemill.jobs.dispatching.dispatcher.models import (
    Begun,
    Ended,
    Look,
)
from tidemill.jobs.limits.gates.repository import GateRepository
from tidemill.jobs.limits.repository import LimitRepository
from tidemill.jobs.queueing.history.repository import Move, move, move_and
from tidemill.jobs.queueing.queue.breakdown import TagCount
from tidemill.jobs.queueing.queue.models import Job, day_of
from tidemill.jobs.queueing.queue.plans import expiry_of, result_until
from tidemill.jobs.queueing.queue.repository import JOINED, LIVE, as_job, move_of

LEASE: Final = """
    SET state = 'leased', epoch = epoch + 1, attempts = attempts + 1, worker_id = :worker,
        generation = :generation, started_at = NULL
"""
CLAIMED: Final = """
    jobs.order_key, jobs.position, jobs.spec_id, jobs.tenant_id, jobs.id, jobs.epoch,
    jobs.attempts, jobs.due_at, jobs.args, jobs.key, jobs.work_item_id, jobs.trigger_id,
    jobs.traceparent
"""
NAMED: Final = {
    "sqlite": """jobs.position IN (
        SELECT named.position FROM json_each(:refs) AS ref
        CROSS JOIN jobs AS named
            ON named.tenant_id = ref.value ->> 0 AND named.id = ref.value ->> 1)""",
    "postgres": """(jobs.tenant_id, jobs.id) IN (
        SELECT ref ->> 0, ref ->> 1
        FROM jsonb_array_elements(CAST(CAST(:refs AS TEXT) AS jsonb)) AS ref)""",
}
_READ: Final = {
    dialect: f"SELECT {LIVE} WHERE {JOINED} AND {named}" for dialect, named in NAMED.items()
}
_LOCK: Final = {"sqlite": "", "postgres": " ORDER BY jobs.tenant_id, jobs.id FOR UPDATE OF jobs"}
_PUT_BACK: Final = """
    UPDATE jobs SET state = :state, due_at = :due_at, order_key = order_key + :later,
        attempts = :attempts, rescues = :rescues, worker_id = NULL, generation = NULL,
        started_at = :started_at, error = :error
    WHERE tenant_id = :tenant AND id = :id AND epoch = :epoch
"""
_BEGIN: Final = """
    UPDATE jobs SET state = 'running', started_at = :started_at
    WHERE tenant_id = :tenant AND id = :id AND epoch = :epoch AND state = 'leased'
"""
_COUNT: Final = "SELECT tag, state, COUNT(*), MIN(due_at) FROM jobs GROUP BY tag, state"
_HELD_BY: Final = f"""
    SELECT {LIVE} WHERE {JOINED} AND jobs.worker_id = :worker
    ORDER BY jobs.tenant_id, jobs.id LIMIT :limit
"""
_STRAYS: Final = f"""
    SELECT {LIVE} WHERE {JOINED} AND jobs.worker_id = :worker
        AND jobs.generation <= :generation AND EXISTS (
        SELECT 1 FROM workers
        WHERE tenant_id = :tenant_id AND id = :worker AND generation > :generation)
    ORDER BY jobs.tenant_id, jobs.id LIMIT :limit
"""  # noqa: S608 - constants
_TAKE_OVER: Final = """
    UPDATE jobs SET worker_id = :worker, generation = :generation
    WHERE tenant_id = :tenant AND id = :id AND epoch = :epoch
"""
# One statement, since it is all that an idle dispatcher asks each second.
_LOOK: Final = f"""
    SELECT 'worker' AS kind, held.worker_id AS id, COALESCE(workers.generation, 0) AS first,
        COALESCE(workers.beat, 0) AS second
    FROM (SELECT DISTINCT worker_id FROM jobs WHERE worker_id IS NOT NULL) AS held
    LEFT JOIN workers ON workers.tenant_id = :tenant_id AND workers.id = held.worker_id
    UNION ALL
    SELECT 'cancel', ending.id, ending.epoch, 0
    FROM (
        SELECT id, epoch FROM jobs
        WHERE cancel_requested_at IS NOT NULL AND worker_id IS NOT NULL
        ORDER BY cancel_requested_at LIMIT :limit
    ) AS ending
    UNION ALL
    SELECT 'drain', leaving.id, leaving.generation, COALESCE(leaving.drain_generation, 0)
    FROM (
        SELECT id, generation, drain_generation FROM workers
        WHERE tenant_id = :tenant_id AND drain_requested_at IS NOT NULL
            AND (drain_generation IS NULL OR drain_generation = generation)
        LIMIT :limit
    ) AS leaving
    UNION ALL
    SELECT 'waiting', '', next.due_at,
        (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1) AS ready)
    FROM ({DUE}) AS next
"""  # noqa: S608 - constants
_cancels_per_look_max: Final = 1_000
# By the clock of the database, so that dispatchers whose clocks differ have one measure. A term
# that ends later than a new one would was given before that clock was set back. What is returned
# sees the row as it was.
_LEAD: Final = """
    INSERT INTO leaders (tenant_id, role, holder, term, expires_at)
    SELECT :tenant_id, :role, :holder, 1,
        CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) + :microseconds
    ON CONFLICT (tenant_id, role) DO UPDATE
    SET holder = excluded.holder, expires_at = excluded.expires_at,
        term = leaders.term + CASE WHEN leaders.holder = excluded.holder THEN 0 ELSE 1 END
    WHERE leaders.holder = excluded.holder
        OR leaders.expires_at < excluded.expires_at - :microseconds
        OR leaders.expires_at > excluded.expires_at
    RETURNING expires_at - (
        SELECT earlier.expires_at FROM leaders AS earlier
        WHERE earlier.tenant_id = :tenant_id AND earlier.role = :role
    )
"""
_RESIGN: Final = """
    DELETE FROM leaders WHERE tenant_id = :tenant_id AND role = :role AND holder = :holder
"""


class DispatchRepository:
    """Jobs of all tenants, as the dispatcher needs them."""

    def __init__(self) -> None:
        self._limits = LimitRepository()
        self._gates = GateRepository()

    def read(self, tx: Tx, refs: Sequence[tuple[str, str]]) -> list[Job]:
        """Return the live jobs of `refs` (tenant, id), locked."""
        if not refs:
            return []
        sql = _READ[tx.dialect] + _LOCK[tx.dialect]
        return [as_job(row) for row in tx.all(sql, refs=_json(refs))]

    def finish(self, tx: Tx, jobs: Sequence[Job]) -> None:
        """Move locked jobs to the history, and hand their slots on."""
        self._gates.leave(tx, _slotted(jobs))
        move(tx, [move_of(job) for job in jobs], held=True)
        for job in jobs:
            until = result_until(job)
            if until is not None:
                self._limits.keep_result(tx, job.tenant_id, job.day, job.id, until)
        self._limits.release(tx, _slotted(jobs).values())

    def end(self, tx: Tx, ended: Sequence[Ended]) -> list[Ended]:
        """Move held jobs whose end is final to the history; return those that were held so."""
        absent = move(tx, [_move(end) for end in ended], held=True)
        if not absent:
            return list(ended)
        return [end for end in ended if (end.id, end.epoch) not in absent]

    def end_and(
        self, tx: Tx, ended: Sequence[Ended], then: tuple[str, str], **parameters: Value
    ) -> tuple[list[Ended], Sequence[Row]]:
        """Do as `end`, and `then`, in one statement; see `move_and`."""
        absent, rows = move_and(tx, [_move(end) for end in ended], then, **parameters)
        return [end for end in ended if (end.id, end.epoch) not in absent], rows

    def put_back(self, tx: Tx, jobs: Sequence[tuple[Job, int]]) -> None:
        """Put jobs back in line, each so many microseconds later than before."""
        tx.execute_many(
            _PUT_BACK,
            (
                {
                    "state": job.state,
                    "due_at": job.due_at,
                    "later": later,
                    "attempts": job.attempts,
                    "rescues": job.rescues,
                    "started_at": job.started_at,
                    "error": job.error,
                    "tenant": job.tenant_id,
                    "id": job.id,
                    "epoch": job.epoch,
                }
                for job, later in jobs
            ),
        )
        limited = [job for job, _ in jobs if job.limits is not None]
        self._gates.leave(tx, _slotted(job for job in limited if job.state is JobState.SCHEDULED))
        for job in limited:
            self._limits.put_back(tx, job.tenant_id, job.id, expiry_of(job, tx.now))
        self._limits.release(tx, _slotted(limited).values())

    def begin(self, tx: Tx, begun: Iterable[Begun]) -> None:
        """Mark jobs as running."""
        rows: Iterable[dict[str, Value]] = (
            {"tenant": b.tenant_id, "id": b.id, "epoch": b.epoch, "started_at": b.started_at}
            for b in begun
        )
        tx.execute_many(_BEGIN, rows)

    def count(self, tx: Tx) -> list[TagCount]:
        """Return how many jobs of each tag are in each state, and since when the oldest is due."""
        return [TagCount(*row) for row in tx.all(_COUNT)]

    def held_by(self, tx: Tx, worker_id: str, limit: int, *, lock: bool = False) -> list[Job]:
        """Return jobs that a worker has by our books."""
        suffix = " FOR UPDATE OF jobs" if lock and tx.dialect == "postgres" else ""
        return [as_job(row) for row in tx.all(_HELD_BY + suffix, worker=worker_id, limit=limit)]

    def strays(self, tx: Tx, worker_id: str, generation: int, limit: int) -> list[Job]:
        """Return jobs that a worker has by a registration, if it has registered anew since."""
        rows = tx.all(_STRAYS, worker=worker_id, generation=generation, limit=limit)
        return [as_job(row) for row in rows]

    def take_over(self, tx: Tx, jobs: Iterable[Job], worker_id: str, generation: int) -> None:
        """Write that a worker holds `jobs` under its new registration."""
        rows: Iterable[dict[str, Value]] = (
            {
                "tenant": job.tenant_id,
                "id": job.id,
                "epoch": job.epoch,
                "worker": worker_id,
                "generation": generation,
            }
            for job in jobs
        )
        tx.execute_many(_TAKE_OVER, rows)

    def look(self, tx: Tx) -> Look:
        """Return what other processes may have changed."""
        beats: dict[str, tuple[int, int]] = {}
        cancels: list[tuple[str, int]] = []
        drained: dict[str, bool] = {}
        next_due_at: Instant | None = None
        has_ready = False
        for kind, id_, first, second in tx.all(_LOOK, limit=_cancels_per_look_max):
            if kind == "worker":
                beats[id_] = (first, second)
            elif kind == "cancel":
                cancels.append((id_, first))
            elif kind == "drain":
                drained[id_] = bool(second)
            else:
                next_due_at, has_ready = first, bool(second)
        return Look(beats, cancels, next_due_at, has_ready, drained)

    def lead(self, tx: Tx, role: str, holder: str, microseconds: int) -> int | None:
        """Become or stay the leader for so long; return None while another one leads.

        Else return the microseconds since the last leader renewed its term: 0 where nobody knows.
        On PostgreSQL alone.
        """
        row = tx.one(_LEAD, role=role, holder=holder, microseconds=microseconds)
        return None if row is None else max(0, row[0] or 0)

    def resign(self, tx: Tx, role: str, holder: str) -> None:
        """Let go of the leadership."""
        tx.execute(_RESIGN, role=role, holder=holder)


def _slotted(jobs: Iterable[Job]) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (j.tenant_id, j.id): (j.tenant_id, j.concurrency_key) for j in jobs if j.concurrency_key
    }


def _move(end: Ended) -> Move:
    ending = end.ending
    return Move(
        end.tenant_id,
        end.id,
        end.epoch,
        day_of(end.id),
        end.state,
        ending.finished_at,
        ending.peak_memory_bytes,
        ending.cpu_microseconds,
        ending.result,
        ending.error,
        ending.started_at,
        position=end.position,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
