"""The SQL of boards: a few statements for a whole board, however many columns it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from tidemill.board.blocking.waiting import OPEN_BLOCKER
from tidemill.board.board_settings.models import LaneField
from tidemill.board.boards.models import Card, Tally
from tidemill.board.filters.compiling import Compiled
from tidemill.board.filters.conditions import Condition, asks_for_archived
from tidemill.board.swim_lanes.lanes import AMONG_IDS, LANES
from tidemill.core.ports import Row, Tx, Value

Statement = tuple[str, dict[str, Value]]
Lane = tuple[LaneField, str | None]
"""A field and the value of one lane; None are the items without one."""
Part = tuple[str, str | None]
"""What of a cell has one status: that, and the value of its lane."""
_Ranked = tuple[str, str]
# How many of each status are read for each cell of it: lanes are seldom of one size.
_heads_per_cell: Final = 3

_LIVING: Final = "w.tenant_id = :tenant_id AND w.deleted_at IS NULL"
_SHOWN: Final = f"{_LIVING} AND w.archived_at IS NULL"
_CARDS: Final = f"""
    SELECT w.id, {{lane}}, w.number, w.item_type, w.title, w.status, w.status_category, w.priority,
        w.parent_id, w.assignee_id, a.name, a.avatar, w.sprint_id, s.name, w.rank, w.points,
        w.estimate_seconds, w.start_date, w.due_date, w.label_ids, COALESCE({OPEN_BLOCKER}, 0),
        w.version, w.updated_at
    FROM {{source}}
    LEFT JOIN people AS a ON a.tenant_id = :tenant_id AND a.user_id = w.assignee_id
    LEFT JOIN sprints AS s ON s.tenant_id = :tenant_id AND s.id = w.sprint_id
"""  # noqa: S608 - a constant

# What the cards have of the items themselves.
_OWN: Final = """w.tenant_id, w.id, w.number, w.item_type, w.title, w.status, w.status_category,
                    w.priority, w.parent_id, w.assignee_id, w.sprint_id, w.rank, w.points,
                    w.estimate_seconds, w.start_date, w.due_date, w.label_ids, w.version,
                    w.updated_at"""


class BoardRepository:
    """Items of a project as boards show them."""

    def tallies(self, tx: Tx, condition: Condition, field: LaneField | None) -> list[Tally]:
        """Return how many items fulfil `condition`, by status and lane."""
        sql, parameters = tally_statement(condition, field, tx.dialect)
        return [Tally(*row) for row in tx.all(sql, **parameters)]

    def first(
        self,
        tx: Tx,
        condition: Condition,
        statuses: Sequence[str],
        *,
        limit: int,
        lane: Lane | None = None,
        after: str | None = None,
    ) -> list[Card]:
        """Return the first `limit` cards of each status, of one lane and behind a rank if asked."""
        if not statuses:
            return []
        sql, parameters = column_statement(
            condition, statuses, lane=lane, after=after, dialect=tx.dialect
        )
        return _by_rank(tx.all(sql, limit=limit, **parameters))

    def first_in_lanes(
        self,
        tx: Tx,
        condition: Condition,
        columns: Mapping[str, str],
        field: LaneField,
        *,
        sizes: Mapping[Part, int],
        limit: int,
    ) -> list[Card]:
        """Return the first `limit` cards of each cell; `columns` tells the column of each status.

        `sizes` says how many items the parts of the shown cells have.
        """
        wanted = {part: min(size, limit) for part, size in sizes.items()}
        statuses = list(dict.fromkeys(status for status, _ in wanted))
        if not statuses:
            return []
        sql, parameters = heads_statement(condition, statuses, field, tx.dialect)
        lanes = len({lane for _, lane in wanted})
        heads = tx.all(sql, limit=_heads_per_cell * limit * lanes, **parameters)
        found = _parts(heads, wanted)
        # Where a lane has few of a long column's items, they do not stand at its head.
        missing = [part for part, most in wanted.items() if len(found[part]) < most]
        if missing:
            sql, parameters = tails_statement(condition, missing, field, tx.dialect)
            found |= _parts(tx.all(sql, limit=limit, **parameters), missing)
        cells: dict[tuple[str, str | None], list[_Ranked]] = {}
        for (status, lane), ranked in found.items():
            cells.setdefault((columns[status], lane), []).extend(ranked)
        lanes_of: dict[str, list[str | None]] = {}
        for (_, lane), ranked in cells.items():
            for _, item_id in sorted(ranked)[:limit]:
                lanes_of.setdefault(item_id, []).append(lane)
        sql, parameters = cards_statement(list(lanes_of), tx.dialect)
        rows = tx.all(sql, limit=len(lanes_of), **parameters)
        return _by_rank([(row[0], lane, *row[2:]) for row in rows for lane in lanes_of[row[0]]])


def _parts(rows: Sequence[Row], wanted: Iterable[Part]) -> dict[Part, list[_Ranked]]:
    """Return rank and id of what lies in each part of `wanted`."""
    found: dict[Part, list[_Ranked]] = {part: [] for part in wanted}
    for status, lane, rank, item_id in rows:
        if (part := found.get((status, lane))) is not None:
            part.append((rank, item_id))
    return found


def _shown(condition: Condition) -> str:
    return _LIVING if asks_for_archived(condition) else _SHOWN


def _by_rank(rows: Sequence[Row]) -> list[Card]:
    # Ranks are ASCII: Python has them in the order of both databases.
    return sorted((Card(*row) for row in rows), key=attrgetter("rank"))


def tally_statement(condition: Condition, field: LaneField | None, dialect: str) -> Statement:
    """Return the statement that counts items by status and lane."""
    compiled = Compiled(condition, dialect)
    joins, lane = ("", "NULL") if field is None else (LANES[field].joins, LANES[field].value)
    by = "w.status" if field is None else f"w.status, {lane}"
    sql = f"""
        SELECT w.status, {lane}, count(*) FROM work_items AS w {joins}
        WHERE {_shown(condition)} AND {compiled.sql}
        GROUP BY {by} ORDER BY {by}
    """  # noqa: S608 - constants and a condition whose values are bound
    return sql, compiled.parameters


def column_statement(
    condition: Condition,
    statuses: Sequence[str],
    *,
    lane: Lane | None,
    after: str | None,
    dialect: str,
) -> Statement:
    """Return the statement of the first cards of each status, which reads an index for each."""
    compiled = Compiled(condition, dialect)
    parameters: dict[str, Value] = dict(compiled.parameters)
    tests, joins, value = [], "", "NULL"
    if lane is not None:
        field, wanted = lane
        joins, value = LANES[field].joins, LANES[field].value
        tests.append(f"{value} IS NULL" if wanted is None else f"{value} = :lane")
        if wanted is not None:
            parameters["lane"] = wanted
    if after is not None:
        tests.append("w.rank > :after")
        parameters["after"] = after
    further = "".join(f" AND {test}" for test in tests)
    branches = []
    for place, status in enumerate(statuses):
        parameters[f"status_{place}"] = status
        branches.append(
            f"""SELECT * FROM (
                SELECT {_OWN}, CAST({value} AS TEXT) AS lane FROM work_items AS w {joins}
                WHERE {_shown(condition)} AND {compiled.sql} AND w.status = :status_{place}{further}
                ORDER BY w.rank LIMIT :limit
            ) AS s{place}"""  # noqa: S608 - constants and a condition whose values are bound
        )
    source = f"({' UNION ALL '.join(branches)}) AS w"
    return _CARDS.format(lane="w.lane", source=source), parameters


def heads_statement(
    condition: Condition, statuses: Sequence[str], field: LaneField, dialect: str
) -> Statement:
    """Return the statement of the first items of each status with their lanes."""
    compiled = Compiled(condition, dialect)
    parameters: dict[str, Value] = dict(compiled.parameters)
    cut = LANES[field]
    branches = []
    for place, status in enumerate(statuses):
        parameters[f"status_{place}"] = status
        branches.append(
            f"""SELECT * FROM (
                SELECT w.status, {cut.value} AS lane, w.rank, w.id
                FROM work_items AS w {cut.joins}
                WHERE {_shown(condition)} AND {compiled.sql} AND w.status = :status_{place}
                ORDER BY w.rank LIMIT :limit
            ) AS s{place}"""  # noqa: S608 - constants and a condition whose values are bound
        )
    return " UNION ALL ".join(branches), parameters


def tails_statement(
    condition: Condition, parts: Sequence[Part], field: LaneField, dialect: str
) -> Statement:
    """Return the statement of the first items of some parts, which looks through all of them."""
    compiled = Compiled(condition, dialect)
    parameters: dict[str, Value] = dict(compiled.parameters)
    cut = LANES[field]
    statuses = list(dict.fromkeys(status for status, _ in parts))
    for place, status in enumerate(statuses):
        parameters[f"status_{place}"] = status
    names = ", ".join(f":status_{place}" for place in range(len(statuses)))
    lanes = {lane for _, lane in parts}
    parameters["ids"] = msgspec.json.encode(
        sorted(one for one in lanes if one is not None)
    ).decode()
    among = f"{cut.value} {AMONG_IDS[dialect]}"
    if None in lanes:
        among = f"({cut.value} IS NULL OR {among})"
    sql = f"""
        SELECT status, lane, rank, id FROM (
            SELECT w.status, {cut.value} AS lane, w.rank, w.id, row_number() OVER (
                PARTITION BY w.status, {cut.value} ORDER BY w.rank
            ) AS place
            FROM work_items AS w {cut.joins}
            WHERE {_shown(condition)} AND {compiled.sql} AND w.status IN ({names}) AND {among}
        ) AS placed
        WHERE place <= :limit
    """  # noqa: S608 - constants and a condition whose values are bound
    return sql, parameters


def cards_statement(ids: Sequence[str], dialect: str) -> Statement:
    """Return the statement of cards by their ids, without a lane."""
    source = "work_items AS w"
    among = f"WHERE w.tenant_id = :tenant_id AND w.id {AMONG_IDS[dialect]} LIMIT :limit"
    return _CARDS.format(lane="NULL", source=source) + among, {
        "ids": msgspec.json.encode(ids).decode()
    }
