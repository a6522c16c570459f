"""The SQL that moves jobs from the live table to the history, without reading them here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.ports import Tx
from tidemill.jobs.contract import JobState

_KEPT: Final = (
    "tenant_id", "id", "spec_id", "due_at", "created_at", "attempts", "epoch", "worker_id", "args",
    "key", "work_item_id", "trigger_id", "traceparent", "parent_id", "root_id", "labels",
    "concurrency_key", "cache_key", "snoozes",
)  # fmt: skip
_GIVEN: Final = {
    "day": "BIGINT", "state": "TEXT", "finished_at": "BIGINT", "peak_memory_bytes": "BIGINT",
    "cpu_microseconds": "BIGINT", "result": "TEXT", "error": "TEXT",
}  # fmt: skip
_EITHER: Final = {"started_at": "BIGINT", "rescues": "BIGINT", "cancelled_by": "TEXT"}
_COLUMNS: Final = ", ".join((*_KEPT, *_GIVEN, *_EITHER))
_TYPES: Final = {"tenant": "TEXT", "id": "TEXT", "epoch": "BIGINT", **_GIVEN, **_EITHER}
_HELD: Final = {True: " AND jobs.worker_id IS NOT NULL", False: ""}


def _copy(held: bool) -> str:
    values = (
        *(f"jobs.{name}" for name in _KEPT),
        *(f":{name}" for name in _GIVEN),
        *(f"COALESCE(:{name}, jobs.{name})" for name in _EITHER),
    )
    return f"""
        INSERT INTO job_history ({_COLUMNS})
        SELECT {", ".join(values)}
        FROM jobs
        WHERE jobs.tenant_id = :tenant AND jobs.id = :id AND jobs.epoch = :epoch{_HELD[held]}
    """  # noqa: S608 - constant names of columns


def _fused(held: bool) -> str:
    values = (
        *(f"jobs.{name}" for name in _KEPT),
        *(f"over.{name}" for name in _GIVEN),
        *(f"COALESCE(over.{name}, jobs.{name}) AS {name}" for name in _EITHER),
    )
    return f"""
        WITH over AS (
            SELECT * FROM json_to_recordset(CAST(CAST(:moves AS TEXT) AS json))
                AS given ({", ".join(f"{name} {type_}" for name, type_ in _TYPES.items())})
        ), gone AS (
            DELETE FROM jobs USING over
            WHERE jobs.tenant_id = over.tenant AND jobs.id = over.id
                AND jobs.epoch = over.epoch{_HELD[held]}
            RETURNING {", ".join(values)}
        ), past AS (
            INSERT INTO job_history ({_COLUMNS}) SELECT {_COLUMNS} FROM gone
        )
        SELECT id, epoch FROM gone
    """  # noqa: S608 - constant names of columns


_COPY: Final = {held: _copy(held) for held in (True, False)}
_DELETE: Final = {
    held: f"DELETE FROM jobs WHERE tenant_id = :tenant AND id = :id AND epoch = :epoch{clause}"  # noqa: S608 - constants
    for held, clause in _HELD.items()
}
_FUSED: Final = {held: _fused(held) for held in (True, False)}
_CHANGES: Final = "SELECT total_changes()"
_CURRENT: Final = """
    SELECT jobs.id, jobs.epoch FROM json_each(:refs) AS ref
    CROSS JOIN jobs ON jobs.tenant_id = ref.value ->> 0 AND jobs.id = ref.value ->> 1
        AND jobs.epoch = ref.value ->> 2 AND jobs.worker_id IS NOT NULL
"""


class Move(Struct, frozen=True, omit_defaults=True):
    """How a job ended; what is None and known of the live job stays as it was."""

    tenant: str
    id: str
    epoch: int
    day: int
    state: JobState
    finished_at: int
    peak_memory_bytes: int
    cpu_microseconds: int
    result: str | None = None
    error: str | None = None
    started_at: int | None = None
    rescues: int | None = None
    cancelled_by: str | None = None


def move(tx: Tx, moves: Sequence[Move], *, held: bool) -> set[tuple[str, int]]:
    """Move jobs to the history; return those (id, epoch) that were there under their epoch.

    With `held` only those that a worker holds: that is the fence.
    """
    if not moves:
        return set()
    if tx.dialect == "postgres":
        rows = tx.all(_FUSED[held], moves=msgspec.json.encode(moves).decode())
        return {(row[0], row[1]) for row in rows}
    # A worker that came back may have told the same end twice, and a row is copied once.
    moves = list({(one.tenant, one.id, one.epoch): one for one in moves}.values())
    values = [structs.asdict(one) for one in moves]
    before = _changes(tx)
    tx.execute_many(_COPY[held], values)
    moved = {(one.id, one.epoch) for one in moves}
    if _changes(tx) - before < len(moves):
        refs = msgspec.json.encode([(one.tenant, one.id, one.epoch) for one in moves]).decode()
        moved = {(row[0], row[1]) for row in tx.all(_CURRENT, refs=refs)}
    tx.execute_many(_DELETE[held], values)
    return moved


def _changes(tx: Tx) -> int:
    row = tx.one(_CHANGES)
    return int(row[0]) if row else 0
