"""The SQL of workers. They belong to the installation, so that is their tenant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx
from tidemill.jobs.queueing.workers.models import Beat, Registration, Worker
from tidemill.jobs.requirements.models import Machine

_COLUMNS: Final = """
    workers.id, workers.host, workers.slots, workers.tags, workers.isolations, workers.generation,
    workers.beat, workers.resident_bytes, workers.connected_at, workers.seen_at,
    workers.draining_at, workers.left_at, workers.labels, workers.cpu, workers.memory_mib,
    workers.drain_requested_at, workers.drain_generation
"""
_REGISTER: Final = f"""
    INSERT INTO workers (tenant_id, id, host, slots, tags, isolations, generation, beat,
        resident_bytes, connected_at, seen_at, labels, cpu, memory_mib, functions, process)
    VALUES (:tenant_id, :id, :host, :slots, :tags, :isolations, 1, 0, 0, :now, :now,
        :labels, :cpu, :memory_mib, :functions, :process)
    ON CONFLICT (tenant_id, id) DO UPDATE
    SET host = excluded.host, slots = excluded.slots, tags = excluded.tags,
        isolations = excluded.isolations, generation = workers.generation + 1,
        connected_at = excluded.connected_at, seen_at = excluded.seen_at,
        labels = excluded.labels, cpu = excluded.cpu, memory_mib = excluded.memory_mib,
        functions = excluded.functions, process = excluded.process,
        draining_at = NULL, left_at = NULL
    WHERE COALESCE(workers.process, '') <= excluded.process
        OR workers.left_at IS NOT NULL OR workers.seen_at < :alive_since
    RETURNING {_COLUMNS}
"""  # noqa: S608 - constant names of columns
_BEAT: Final = """
    UPDATE workers SET beat = beat + 1, seen_at = :now, resident_bytes = :resident_bytes
    WHERE tenant_id = :tenant_id AND id = :id AND generation = :generation
"""
_DRAIN: Final = """
    UPDATE workers SET draining_at = :now
    WHERE tenant_id = :tenant_id AND id = :id AND generation = :generation
"""
_ORDER_DRAIN: Final = f"""
    UPDATE workers SET drain_requested_at = COALESCE(drain_requested_at, :now),
        drain_generation = CASE WHEN :leaves = 1 THEN generation END
    WHERE tenant_id = :tenant_id AND id = :id
    RETURNING {_COLUMNS}
"""  # noqa: S608 - constant names of columns
_END_DRAIN: Final = f"""
    UPDATE workers SET drain_requested_at = NULL, drain_generation = NULL
    WHERE tenant_id = :tenant_id AND id = :id
    RETURNING {_COLUMNS}
"""  # noqa: S608 - constant names of columns
_LEAVE: Final = """
    UPDATE workers SET left_at = :now
    WHERE tenant_id = :tenant_id AND id = :id AND generation = :generation
"""
_ALL: Final = f"""
    SELECT {_COLUMNS}, (
        SELECT COUNT(*) FROM jobs WHERE jobs.worker_id = workers.id) AS held
    FROM workers
    WHERE tenant_id = :tenant_id
    ORDER BY id LIMIT :limit
"""  # noqa: S608 - constant names of columns
_HAVING: Final = {
    dialect: f"""
    SELECT id FROM workers
    WHERE tenant_id = :tenant_id AND (functions IS NULL OR {stands_in}(functions, :name) > 0)
    ORDER BY id LIMIT :limit
"""  # noqa: S608 - constant names of functions
    for dialect, stands_in in {"sqlite": "instr", "postgres": "strpos"}.items()
}
_FORGET: Final = """
    DELETE FROM workers WHERE tenant_id = :tenant_id AND seen_at < :before
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.worker_id = workers.id)
"""
workers_listed_max: Final = 1_000
_machine: Final = slice(7, 10)
"""The columns of the machine among those after `isolations`."""


class WorkerRepository:
    """Workers; each method needs a transaction of the installation."""

    def register(
        self, tx: Tx, registration: Registration, *, alive_since: Instant
    ) -> Worker | None:
        """Write that a worker is here; each time under a new generation.

        Return None when a later process has its name, and was heard since `alive_since`.
        """
        row = tx.one(
            _REGISTER,
            id=registration.id,
            host=registration.host,
            slots=registration.slots,
            tags=_json(registration.tags),
            isolations=_json(registration.isolations),
            labels=_json(sorted(registration.machine.labels)),
            cpu=registration.machine.cpu,
            memory_mib=registration.machine.memory_mib,
            functions=_json(sorted(registration.functions)),
            process=registration.process,
            alive_since=alive_since,
        )
        return _worker(row) if row else None

    def beat(self, tx: Tx, beats: Iterable[Beat]) -> None:
        """Write signs of life."""
        tx.execute_many(
            _BEAT,
            (
                {
                    "id": beat.worker_id,
                    "generation": beat.generation,
                    "resident_bytes": beat.resident_bytes,
                }
                for beat in beats
            ),
        )

    def drain(self, tx: Tx, worker_id: str, generation: int) -> None:
        """Write that a worker takes nothing more."""
        tx.execute(_DRAIN, id=worker_id, generation=generation)

    def order_drain(self, tx: Tx, worker_id: str, *, leaves: bool) -> Worker | None:
        """Let a worker take nothing more, and go if it `leaves`; return it if there is one."""
        row = tx.one(_ORDER_DRAIN, id=worker_id, leaves=int(leaves))
        return _worker(row) if row else None

    def end_drain(self, tx: Tx, worker_id: str) -> Worker | None:
        """Let a worker take jobs again; return it if there is one."""
        row = tx.one(_END_DRAIN, id=worker_id)
        return _worker(row) if row else None

    def leave(self, tx: Tx, worker_id: str, generation: int) -> None:
        """Write that a worker has gone and left nothing behind."""
        tx.execute(_LEAVE, id=worker_id, generation=generation)

    def all(self, tx: Tx) -> list[Worker]:
        """Return every worker, by name."""
        return [_worker(row) for row in tx.all(_ALL, limit=workers_listed_max)]

    def having(self, tx: Tx, function: str) -> frozenset[str]:
        """Return the ids of workers that have registered a function, or never said which."""
        rows = tx.all(_HAVING[tx.dialect], name=_json(function), limit=workers_listed_max)
        return frozenset(row[0] for row in rows)

    def forget(self, tx: Tx, before: int) -> None:
        """Delete workers that were seen last before `before` and hold nothing."""
        tx.execute(_FORGET, before=before)


def _worker(row: Sequence[Any]) -> Worker:
    own_id, host, slots, tags, isolations, *rest = row
    names = (tuple(msgspec.json.decode(tags)), tuple(msgspec.json.decode(isolations)))
    labels, cpu, memory_mib = rest[_machine]
    machine = Machine(cpu=cpu, memory_mib=memory_mib, labels=frozenset(_decoded(labels)))
    rest[_machine] = [machine]
    return Worker(own_id, host, slots, *names, *rest)


def _decoded(labels: str | None) -> list[str]:
    return msgspec.json.decode(labels, type=list[str]) if labels else []


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
