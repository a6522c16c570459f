"""The SQL that moves jobs from the live table to the history, without reading them here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.core.ports import Tx, Value

_KEPT: Final = (
    "tenant_id", "id", "spec_id", "due_at", "created_at", "attempts", "epoch", "worker_id", "args",
    "key", "work_item_id", "trigger_id", "traceparent", "parent_id", "root_id", "labels",
    "concurrency_key", "cache_key", "snoozes", "affinity_key",
)  # fmt: skip
_GIVEN: Final = {
    "day": "BIGINT", "state": "TEXT", "finished_at": "BIGINT", "peak_memory_bytes": "BIGINT",
    "cpu_microseconds": "BIGINT", "result": "TEXT", "error": "TEXT",
}  # fmt: skip
_EITHER: Final = {"started_at": "BIGINT", "rescues": "BIGINT", "cancelled_by": "TEXT"}
_COLUMNS: Final = ", ".join((*_KEPT, *_GIVEN, *_EITHER))
_TYPES: Final = {"tenant": "TEXT", "id": "TEXT", "epoch": "BIGINT", **_GIVEN, **_EITHER}
# Not IS NOT NULL, which has an index: with statistics from when no worker held a job, PostgreSQL
# would go through all held jobs for each one that has ended.
_HELD: Final = {True: " AND COALESCE(jobs.worker_id, '') <> ''", False: ""}


# What ends of a batch mostly share, and what each has of its own, by its place there.
_SHARED: Final = (
    "day", "state", "peak_memory_bytes", "cpu_microseconds", "error", "rescues", "cancelled_by",
)  # fmt: skip
_OWN: Final = ("tenant", "id", "epoch", "finished_at", "started_at", "result")
_result_chars_max: Final = 64 * 1024
"""What is longer goes into a statement of its own, so that none grows without a bound."""


def _said(name: str) -> str:
    """Return the expression for what is said of an end, on SQLite."""
    return f"over.value ->> {_OWN.index(name)}" if name in _OWN else f":{name}"


def _named(held: bool) -> str:
    """Return the jobs that ends are of, on SQLite."""
    return f"""
        json_each(:ends) AS over CROSS JOIN jobs
            ON jobs.tenant_id = {_said("tenant")} AND jobs.id = {_said("id")}
                AND jobs.epoch = {_said("epoch")}{_HELD[held]}
    """


def _copy(held: bool) -> str:
    values = (
        *(f"jobs.{name}" for name in _KEPT),
        *(_said(name) for name in _GIVEN),
        *(f"COALESCE({_said(name)}, jobs.{name})" for name in _EITHER),
    )
    return f"""
        INSERT INTO job_history ({_COLUMNS}) SELECT {", ".join(values)} FROM {_named(held)}
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
    held: f"DELETE FROM jobs WHERE position IN (SELECT jobs.position FROM {_named(held)})"  # noqa: S608 - constants
    for held in (True, False)
}
_FUSED: Final = {held: _fused(held) for held in (True, False)}
_CURRENT: Final = {
    held: f"SELECT jobs.id, jobs.epoch FROM {_named(held)}"  # noqa: S608 - constants
    for held in (True, False)
}


class Move(Struct, frozen=True, omit_defaults=True, gc=False):
    """How a job ended; what is None and known of the live job stays as it was."""

    tenant: str
    id: str
    epoch: int
    day: int
    state: str
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
    alone = {(one.tenant, one.id, one.epoch): one for one in moves}
    moved: set[tuple[str, int]] = set()
    for shared, portion in _portions(alone.values()):
        ends = msgspec.json.encode([_own(one) for one in portion]).decode()
        if tx.execute(_COPY[held], ends=ends, **shared) == len(portion):
            moved.update((one.id, one.epoch) for one in portion)
        else:
            moved.update((row[0], row[1]) for row in tx.all(_CURRENT[held], ends=ends))
        tx.execute(_DELETE[held], ends=ends)
    return moved


def _portions(moves: Iterable[Move]) -> Iterator[tuple[Mapping[str, Value], Sequence[Move]]]:
    """Return moves by what they share: a statement of many costs a third of many statements."""
    groups: dict[tuple[Value, ...], list[Move]] = {}
    for one in moves:
        large = one.id if one.result is not None and len(one.result) > _result_chars_max else None
        groups.setdefault((large, *_shared(one)), []).append(one)
    for key, portion in groups.items():
        yield dict(zip(_SHARED, key[1:], strict=True)), portion


_shared: Final[Callable[[Move], tuple[Value, ...]]] = attrgetter(*_SHARED)
_own: Final[Callable[[Move], tuple[Value, ...]]] = attrgetter(*_OWN)
