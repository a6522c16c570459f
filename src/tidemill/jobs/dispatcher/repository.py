"""The SQL of the dispatcher: it works across tenants, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tidemill.core.clock import Instant
from tidemill.core.ports import Row, Tx, Value
from tidemill.jobs.dispatcher.models import (
    Begun,
    Demand,
    Ended,
    Lane,
    Look,
    Ring,
    lanes_per_look_max,
)
from tidemill.jobs.history.repository import Move, move
from tidemill.jobs.queue.claims import Claimed
from tidemill.jobs.queue.models import Job, day_of
from tidemill.jobs.queue.repository import JOINED, LIVE, as_job, move_of
from tidemill.jobs.specs.repository import SpecRepository

_NAMED: Final = {
    "sqlite": """jobs.position IN (
        SELECT named.position FROM json_each(:refs) AS ref
        CROSS JOIN jobs AS named
            ON named.tenant_id = ref.value ->> 0 AND named.id = ref.value ->> 1)""",
    "postgres": """(jobs.tenant_id, jobs.id) IN (
        SELECT ref ->> 0, ref ->> 1
        FROM jsonb_array_elements(CAST(CAST(:refs AS TEXT) AS jsonb)) AS ref)""",
}
_READ: Final = {
    dialect: f"SELECT {LIVE} WHERE {JOINED} AND {named}" for dialect, named in _NAMED.items()
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
_READY: Final = """
    FROM jobs
    WHERE state = 'queued' AND tag = :tag AND isolation = :isolation AND tenant_id = :tenant
    ORDER BY order_key, position
    LIMIT :limit
"""
_LEASE: Final = """
    SET state = 'leased', epoch = epoch + 1, attempts = attempts + 1, worker_id = :worker,
        generation = :generation, started_at = NULL
"""
_CLAIMED: Final = """
    jobs.order_key, jobs.position, jobs.spec_id, jobs.tenant_id, jobs.id, jobs.epoch,
    jobs.attempts, jobs.due_at, jobs.args, jobs.key, jobs.work_item_id, jobs.trigger_id,
    jobs.traceparent
"""
_CLAIM: Final = {
    "sqlite": f"""
        UPDATE jobs {_LEASE}
        WHERE position IN (SELECT position {_READY})
        RETURNING {_CLAIMED}
    """,
    # Without MATERIALIZED the planner may run the inner query again and take more than its limit.
    "postgres": f"""
        WITH ready AS MATERIALIZED (
            SELECT tenant_id AS ready_tenant, id AS ready_id {_READY} FOR UPDATE SKIP LOCKED
        )
        UPDATE jobs {_LEASE}
        FROM ready WHERE jobs.tenant_id = ready_tenant AND jobs.id = ready_id
        RETURNING {_CLAIMED}
    """,  # noqa: S608 - constants
}
_PAIRS: Final = {
    "sqlite": """
        SELECT value ->> 0 AS tag, value ->> 1 AS isolation, value ->> 2 AS after, key AS place
        FROM json_each(:pairs)
    """,
    "postgres": """
        SELECT pair ->> 0 AS tag, pair ->> 1 AS isolation, pair ->> 2 AS after, place
        FROM jsonb_array_elements(CAST(CAST(:pairs AS TEXT) AS jsonb))
            WITH ORDINALITY AS given (pair, place)
    """,
}
# Skips from lane to lane in idx_jobs_ready, whatever they hold.
_LANES: Final = {
    dialect: f"""
        WITH RECURSIVE pairs AS ({pairs}), lanes (tag, isolation, place, tenant) AS (
            SELECT tag, isolation, place, (
                SELECT MIN(tenant_id) FROM jobs
                WHERE jobs.state = 'queued' AND jobs.tag = pairs.tag
                    AND jobs.isolation = pairs.isolation AND jobs.tenant_id > pairs.after
            )
            FROM pairs
            UNION ALL
            SELECT tag, isolation, place, (
                SELECT MIN(tenant_id) FROM jobs
                WHERE jobs.state = 'queued' AND jobs.tag = lanes.tag
                    AND jobs.isolation = lanes.isolation AND jobs.tenant_id > lanes.tenant
            )
            FROM lanes WHERE lanes.tenant IS NOT NULL
        )
        SELECT lanes.place, lanes.tag, lanes.isolation, lanes.tenant, ready_lanes.weight
        FROM lanes
        LEFT JOIN ready_lanes
            ON ready_lanes.tenant_id = lanes.tenant AND ready_lanes.tag = lanes.tag
        WHERE lanes.tenant IS NOT NULL
        LIMIT :limit
    """  # noqa: S608 - constants
    for dialect, pairs in _PAIRS.items()
}
_MOVE_DUE: Final = {
    "sqlite": """
        UPDATE jobs SET state = 'queued' WHERE position IN (
            SELECT position FROM jobs WHERE state = 'scheduled' AND due_at <= :now
            ORDER BY due_at LIMIT :limit)
    """,
    "postgres": """
        WITH due AS MATERIALIZED (
            SELECT tenant_id AS due_tenant, id AS due_id FROM jobs
            WHERE state = 'scheduled' AND due_at <= :now
            ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        UPDATE jobs SET state = 'queued'
        FROM due WHERE jobs.tenant_id = due_tenant AND jobs.id = due_id
    """,
}
_NEXT_DUE: Final = "SELECT MIN(due_at) FROM jobs WHERE state = 'scheduled'"
_COUNT: Final = "SELECT state, COUNT(*), MIN(due_at) FROM jobs GROUP BY state"
_HELD_BY: Final = f"""
    SELECT {LIVE} WHERE {JOINED} AND jobs.worker_id = :worker
    ORDER BY jobs.tenant_id, jobs.id LIMIT :limit
"""
_TAKE_OVER: Final = """
    UPDATE jobs SET worker_id = :worker, generation = :generation
    WHERE tenant_id = :tenant AND id = :id AND epoch = :epoch
"""
# One statement, since it is all that an idle dispatcher asks each second.
_LOOK: Final = """
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
    SELECT 'waiting', '', next.due_at,
        (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1) AS ready)
    FROM (SELECT MIN(due_at) AS due_at FROM jobs WHERE state = 'scheduled') AS next
"""
_cancels_per_look_max: Final = 1_000
_LEAD: Final = """
    INSERT INTO leaders (tenant_id, role, holder, term, expires_at)
    VALUES (:tenant_id, :role, :holder, 1, :expires_at)
    ON CONFLICT (tenant_id, role) DO UPDATE
    SET holder = excluded.holder, expires_at = excluded.expires_at,
        term = leaders.term + CASE WHEN leaders.holder = excluded.holder THEN 0 ELSE 1 END
    WHERE leaders.holder = excluded.holder OR leaders.expires_at < :now
    RETURNING term
"""
_RESIGN: Final = """
    DELETE FROM leaders WHERE tenant_id = :tenant_id AND role = :role AND holder = :holder
"""


class DispatchRepository:
    """Jobs of all tenants, as the dispatcher needs them."""

    def __init__(self) -> None:
        self._specs = SpecRepository()

    def read(self, tx: Tx, refs: Sequence[tuple[str, str]]) -> list[Job]:
        """Return the live jobs of `refs` (tenant, id), locked."""
        if not refs:
            return []
        sql = _READ[tx.dialect] + _LOCK[tx.dialect]
        return [as_job(row) for row in tx.all(sql, refs=_json(refs))]

    def finish(self, tx: Tx, jobs: Sequence[Job]) -> None:
        """Move locked jobs to the history."""
        move(tx, [move_of(job) for job in jobs], held=True)

    def end(self, tx: Tx, ended: Sequence[Ended]) -> list[Ended]:
        """Move held jobs whose end is final to the history; return those that were held so."""
        moved = move(tx, [_move(end) for end in ended], held=True)
        if len(moved) == len(ended):
            return list(ended)
        return [end for end in ended if (end.id, end.epoch) in moved]

    def put_back(self, tx: Tx, jobs: Iterable[tuple[Job, int]]) -> None:
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

    def begin(self, tx: Tx, begun: Iterable[Begun]) -> None:
        """Mark jobs as running."""
        rows: Iterable[dict[str, Value]] = (
            {"tenant": b.tenant_id, "id": b.id, "epoch": b.epoch, "started_at": b.started_at}
            for b in begun
        )
        tx.execute_many(_BEGIN, rows)

    def lanes(self, tx: Tx, pairs: Sequence[tuple[str, str]], ring: Ring) -> dict[Lane, int]:
        """Return lanes of `pairs` (tag, isolation) that hold ready jobs, and their weights.

        The lanes of a pair begin after the tenant that was served last, and go round.
        """
        starts = []
        for pair in pairs:
            after = ring.position(*pair)
            starts += [(*pair, start) for start in ((after, "") if after else ("",))]
        limit = lanes_per_look_max * len(starts)
        rows = tx.all(_LANES[tx.dialect], pairs=_json(starts), limit=limit)
        found: dict[Lane, int] = {}
        for _, *lane, weight in sorted(rows, key=_start):
            found.setdefault((lane[0], lane[1], lane[2]), int(weight or 1))
        return found

    def claim(self, tx: Tx, lane: Lane, demand: Demand, limit: int) -> list[Claimed]:
        """Lease up to `limit` ready jobs of `lane`, in their order."""
        tag, isolation, tenant = lane
        rows = tx.all(
            _CLAIM[tx.dialect],
            tag=tag,
            isolation=isolation,
            tenant=tenant,
            limit=limit,
            worker=demand.worker_id,
            generation=demand.generation,
        )
        specs = self._specs.all(tx, {row[2] for row in rows})
        # No database promises the order of RETURNING.
        return [Claimed(specs[row[2]], *row[3:]) for row in sorted(rows, key=_place)]

    def move_due(self, tx: Tx, limit: int) -> Instant | None:
        """Put due jobs in line; return when the next is due."""
        tx.execute(_MOVE_DUE[tx.dialect], limit=limit)
        return self.next_due_at(tx)

    def next_due_at(self, tx: Tx) -> Instant | None:
        """Return when the next scheduled job is due."""
        row = tx.one(_NEXT_DUE)
        return row[0] if row else None

    def count(self, tx: Tx) -> tuple[dict[str, int], Instant | None]:
        """Return how many jobs are in each state, and since when the oldest ready one is due."""
        rows = tx.all(_COUNT)
        oldest = next((row[2] for row in rows if row[0] == "queued"), None)
        return {row[0]: row[1] for row in rows}, oldest

    def held_by(self, tx: Tx, worker_id: str, limit: int, *, lock: bool = False) -> list[Job]:
        """Return jobs that a worker has by our books."""
        suffix = " FOR UPDATE OF jobs" if lock and tx.dialect == "postgres" else ""
        return [as_job(row) for row in tx.all(_HELD_BY + suffix, worker=worker_id, limit=limit)]

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
        next_due_at: Instant | None = None
        has_ready = False
        for kind, id_, first, second in tx.all(_LOOK, limit=_cancels_per_look_max):
            if kind == "worker":
                beats[id_] = (first, second)
            elif kind == "cancel":
                cancels.append((id_, first))
            else:
                next_due_at, has_ready = first, bool(second)
        return Look(beats, cancels, next_due_at, has_ready)

    def lead(self, tx: Tx, role: str, holder: str, expires_at: int) -> int | None:
        """Become or stay the leader; return the term, or None while another one leads."""
        row = tx.one(_LEAD, role=role, holder=holder, expires_at=expires_at)
        return row[0] if row else None

    def resign(self, tx: Tx, role: str, holder: str) -> None:
        """Let go of the leadership."""
        tx.execute(_RESIGN, role=role, holder=holder)


def _start(row: Row) -> tuple[int, str]:
    return row[0], row[3]


def _place(row: Row) -> tuple[int, int]:
    return row[0], row[1]


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
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
