"""The SQL of boards: a few statements for a whole board, however many columns it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        lanes: Sequence[str] | None,
        limit: int,
    ) -> list[Card]:
        """Return the first `limit` cards of each cell; `columns` tells the column of each status.

        Of `lanes` and of what has no lane, where they are not all.
        """
        if not columns:
            return []
        sql, parameters = lanes_statement(condition, columns, field, lanes, tx.dialect)
        return _by_rank(tx.all(sql, limit=limit, **parameters))


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


def lanes_statement(
    condition: Condition,
    columns: Mapping[str, str],
    field: LaneField,
    lanes: Sequence[str] | None,
    dialect: str,
) -> Statement:
    """Return the statement of the first cards of each cell, which looks at each item once."""
    compiled = Compiled(condition, dialect)
    parameters: dict[str, Value] = dict(compiled.parameters)
    cut = LANES[field]
    whens = []
    for place, (status, column) in enumerate(columns.items()):
        parameters[f"status_{place}"] = status
        parameters[f"column_{place}"] = column
        whens.append(f"WHEN :status_{place} THEN CAST(:column_{place} AS TEXT)")
    statuses = ", ".join(f":status_{place}" for place in range(len(columns)))
    among = ""
    if lanes is not None:
        parameters["ids"] = msgspec.json.encode(lanes).decode()
        among = f"AND ({cut.value} IS NULL OR {cut.value} {AMONG_IDS[dialect]})"
    source = f"""(
        SELECT id, lane FROM (
            SELECT w.id, {cut.value} AS lane, row_number() OVER (
                PARTITION BY CASE w.status {" ".join(whens)} END, {cut.value} ORDER BY w.rank
            ) AS place
            FROM work_items AS w {cut.joins}
            WHERE {_shown(condition)} AND {compiled.sql} AND w.status IN ({statuses}) {among}
        ) AS placed
        WHERE place <= :limit
    ) AS c JOIN work_items AS w ON w.tenant_id = :tenant_id AND w.id = c.id
    """  # noqa: S608 - constants and a condition whose values are bound
    return _CARDS.format(lane="c.lane", source=source), parameters
