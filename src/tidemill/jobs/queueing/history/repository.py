"""The SQL that moves jobs from the live table to the history, without reading them here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.ports import Row, Tx, Value
from tidemill.jobs.queueing.many import in_portions, size_for

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


_ROW: Final = ("position", *_OWN)


def _found(held: bool) -> str:
    """Return what reads where jobs lie that ends are of, on SQLite."""
    return f"""
        SELECT jobs.position, jobs.id, jobs.epoch
        FROM json_each(:ends) AS over CROSS JOIN jobs
            ON jobs.tenant_id = over.value ->> 0 AND jobs.id = over.value ->> 1
                AND jobs.epoch = over.value ->> 2{_HELD[held]}
    """  # noqa: S608 - constants


@cache
def _copy(size: int, *, held: bool) -> tuple[str, tuple[str, ...]]:
    """Return what copies as many jobs, and the names of its values, on SQLite.

    An array of JSON for each costs a third more: it is parsed once for each of its columns.
    """
    rows = [[f"{name}_{place}" for name in _ROW] for place in range(size)]
    given = {name: f"over.{name}" if name in _OWN else f":{name}" for name in (*_GIVEN, *_EITHER)}
    values = (
        *(f"jobs.{name}" for name in _KEPT),
        *(given[name] for name in _GIVEN),
        *(f"COALESCE({given[name]}, jobs.{name})" for name in _EITHER),
    )
    ends = ", ".join(f"(:{', :'.join(row)})" for row in rows)
    sql = f"""
        INSERT INTO job_history ({_COLUMNS})
        WITH over ({", ".join(_ROW)}) AS (VALUES {ends})
        SELECT {", ".join(values)} FROM over CROSS JOIN jobs
            ON jobs.position = over.position AND jobs.tenant_id = over.tenant
                AND jobs.id = over.id AND jobs.epoch = over.epoch{_HELD[held]}
    """  # noqa: S608 - constant names of columns
    return sql, (*_SHARED, *(name for row in rows for name in row))


@cache
def _delete(size: int) -> tuple[str, tuple[str, ...]]:
    """Return what deletes as many jobs that were copied before, on SQLite."""
    names = tuple(f"position_{place}" for place in range(size))
    listed = f":{', :'.join(names)}"
    return f"DELETE FROM jobs WHERE position IN ({listed})", names  # noqa: S608 - names


def _fused(held: bool) -> str:
    """Return what moves jobs, as parts of a statement, on PostgreSQL.

    `moved` names those that were there, only where some were not.
    """
    values = (
        *(f"jobs.{name}" for name in _KEPT),
        *(f"over.{name}" for name in _GIVEN),
        *(f"COALESCE(over.{name}, jobs.{name}) AS {name}" for name in _EITHER),
    )
    return f"""
        over AS (
            SELECT * FROM json_to_recordset(CAST(CAST(:moves AS TEXT) AS json))
                AS given ({", ".join(f"{name} {type_}" for name, type_ in _TYPES.items())})
        ), gone AS (
            DELETE FROM jobs USING over
            WHERE jobs.tenant_id = over.tenant AND jobs.id = over.id
                AND jobs.epoch = over.epoch{_HELD[held]}
            RETURNING {", ".join(values)}
        ), past AS (
            INSERT INTO job_history ({_COLUMNS}) SELECT {_COLUMNS} FROM gone
        ), moved AS (
            SELECT CASE WHEN (SELECT COUNT(*) FROM gone) < :expected
                THEN (SELECT CAST(COALESCE(json_agg(json_build_array(id, epoch)), '[]') AS TEXT)
                    FROM gone) END AS moved
        )
    """  # noqa: S608 - constant names of columns


_FUSED: Final = {held: _fused(held) for held in (True, False)}
_FOUND: Final = {held: _found(held) for held in (True, False)}


class Move(Struct, frozen=True, omit_defaults=True, gc=False):
    """How a job ended; what is None and known of the live job stays as it was.

    `position` is where the job lies on SQLite, 0 where that is not known.
    """

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
    position: int = 0


def move(tx: Tx, moves: Sequence[Move], *, held: bool) -> set[tuple[str, int]]:
    """Move jobs to the history; return those (id, epoch) that were not there under their epoch.

    With `held` only those that a worker holds: that is the fence.
    """
    if not moves:
        return set()
    if tx.dialect == "postgres":
        encoded = msgspec.json.encode(moves).decode()
        sql = f"WITH {_FUSED[held]} SELECT moved FROM moved"  # noqa: S608 - of constants
        row = tx.one(sql, moves=encoded, expected=len(moves))
        return _absent(moves, None if row is None else row[0])
    if len({one.id for one in moves}) < len(moves):
        # A worker that came back may have told the same end twice, and a row is copied once.
        moves = list({(one.id, one.epoch): one for one in moves}.values())
    placed = _placed(tx, moves, held=held)
    absent = {(one.id, one.epoch) for one in moves} if len(placed) < len(moves) else set()
    absent.difference_update((one.id, one.epoch) for one in placed if absent)
    for shared, group in _groups(placed):
        for portion in in_portions(group):
            gone = _copied(tx, shared, portion, held=held)
            if len(gone) < len(portion):
                absent.update({(one.id, one.epoch) for one in portion if one not in gone})
            if gone:
                sql, names = _delete(size_for(len(gone)))
                tx.execute_row(sql, names, _filled([one.position for one in gone], len(names)))
    return absent


def move_and(
    tx: Tx, moves: Sequence[Move], then: tuple[str, str], **parameters: Value
) -> tuple[set[tuple[str, int]], Sequence[Row]]:
    """Move held jobs as `move` does, in one statement with `then`, on PostgreSQL.

    `then` is further parts of the WITH, and a SELECT whose rows are returned with one column more;
    where it finds none there is one row of nulls. All of it may count by itself: see `all_alone`.
    """
    parts, select = then
    sql = f"""
        WITH {_FUSED[True]}, {parts}, told AS ({select})
        SELECT told.*, moved FROM moved LEFT JOIN told ON TRUE
    """  # noqa: S608 - of constants
    encoded = msgspec.json.encode(moves).decode()
    rows = tx.all_alone(sql, moves=encoded, expected=len(moves), **parameters)
    return _absent(moves, rows[0][-1]), rows


def _absent(moves: Sequence[Move], moved: str | None) -> set[tuple[str, int]]:
    if moved is None:
        return set()
    there = msgspec.json.decode(moved, type=set[tuple[str, int]])
    return {(one.id, one.epoch) for one in moves} - there


def _placed(tx: Tx, moves: Sequence[Move], *, held: bool) -> Sequence[Move]:
    """Return moves with the places of their jobs; those that are not there are left out."""
    unknown = [one for one in moves if not one.position]
    if not unknown:
        return moves
    places = _places(tx, unknown, held=held)
    found = [
        structs.replace(one, position=places[one.id, one.epoch])
        for one in unknown
        if (one.id, one.epoch) in places
    ]
    return [*(one for one in moves if one.position), *found]


def _places(tx: Tx, moves: Iterable[Move], *, held: bool) -> dict[tuple[str, int], int]:
    ends = msgspec.json.encode([(one.tenant, one.id, one.epoch) for one in moves]).decode()
    return {(row[1], row[2]): row[0] for row in tx.all(_FOUND[held], ends=ends)}


def _copied(
    tx: Tx, shared: tuple[Value, ...], moves: Sequence[Move], *, held: bool
) -> Sequence[Move]:
    """Copy jobs to the history; return the moves of those that were there under their epoch."""
    sql, names = _copy(size_for(len(moves)), held=held)
    row = list(shared)
    for one in moves:
        row += _row(one)
    if tx.execute_row(sql, names, _filled(row, len(names))) == len(moves):
        return moves
    places = _places(tx, moves, held=held)
    return [one for one in moves if places.get((one.id, one.epoch)) == one.position]


def _filled(row: list[Value], length: int) -> list[Value]:
    return row + [None] * (length - len(row))


def _groups(moves: Iterable[Move]) -> Iterator[tuple[tuple[Value, ...], Sequence[Move]]]:
    """Return moves by what they share: a statement of many costs a third of many statements."""
    groups: dict[tuple[Value, ...], list[Move]] = {}
    last: tuple[Value, ...] = ()
    group: list[Move] = []
    for one in moves:
        shared = _shared(one)
        if one.result is not None and len(one.result) > _result_chars_max:
            yield shared, [one]
            continue
        if shared != last:
            last, group = shared, groups.setdefault(shared, [])
        group.append(one)
    yield from groups.items()


_shared: Final[Callable[[Move], tuple[Value, ...]]] = attrgetter(*_SHARED)
_row: Final[Callable[[Move], tuple[Value, ...]]] = attrgetter(*_ROW)
