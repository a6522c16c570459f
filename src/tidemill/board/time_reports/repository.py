"""The SQL of time reports."""

from __future__ import annotations

from typing import Final

from tidemill.board.time_reports.models import Group, Grouping, ReportQuery
from tidemill.board.time_reports.zones import Period, week_sql
from tidemill.core.clock import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND
from tidemill.core.pages import Key
from tidemill.core.ports import Tx, Value

_COLUMNS: Final = {
    Grouping.USER: "user_id",
    Grouping.ITEM: "work_item_id",
    Grouping.PROJECT: "project_id",
    Grouping.DAY: "day",
    Grouping.WEEK: "week",
}
_NOTHING: Final = {
    "user_id": "CAST(NULL AS TEXT)",
    "work_item_id": "CAST(NULL AS TEXT)",
    "project_id": "CAST(NULL AS TEXT)",
    "day": "CAST(NULL AS BIGINT)",
    "week": "CAST(NULL AS BIGINT)",
}
_NAMED: Final = """
    SELECT g.user_id, a.name, g.work_item_id, w.number, w.title, p.id, p.key, p.name, g.day,
        g.week, g.entries, g.seconds
    FROM ({groups}) AS g
    LEFT JOIN people AS a ON a.tenant_id = :tenant_id AND a.user_id = g.user_id
    LEFT JOIN work_items AS w ON w.tenant_id = :tenant_id AND w.id = g.work_item_id
    LEFT JOIN projects AS p
        ON p.tenant_id = :tenant_id AND p.id = COALESCE(g.project_id, w.project_id)
    ORDER BY {order}
"""
_TOTALS: Final = "COUNT(*) AS entries, CAST(COALESCE(SUM(seconds), 0) AS BIGINT) AS seconds"
_GROUPS: Final = """
    SELECT {columns}, {totals} FROM ({entries}) AS e
    WHERE day BETWEEN :first_day AND :last_day {condition}
    GROUP BY {key} ORDER BY {key} LIMIT :limit
"""
_WHOLE: Final = "SELECT {totals} FROM ({entries}) AS e WHERE day BETWEEN :first_day AND :last_day"
_ENTRIES: Final = """
    SELECT e.user_id, e.work_item_id, e.project_id, e.day, {week} AS week, e.seconds
    FROM (
        SELECT e.user_id, e.work_item_id, e.project_id, {day} AS day, {seconds} AS seconds
        FROM time_entries AS e
        JOIN projects AS p
            ON p.tenant_id = e.tenant_id AND p.id = e.project_id AND p.deleted_at IS NULL
        WHERE e.tenant_id = :tenant_id AND e.deleted_at IS NULL AND e.ended_at IS NOT NULL
            AND e.started_at BETWEEN :earliest AND :latest {conditions}
    ) AS e
"""
_SECONDS: Final = f"(e.ended_at - e.started_at) / {MICROSECONDS_PER_SECOND}"
_CONDITIONS: Final = {
    "user_id": "AND e.user_id = :user_id",
    "work_item_id": "AND e.work_item_id = :work_item_id",
    "project_id": "AND e.project_id = :project_id",
}


class TimeReportRepository:
    """Totals of time entries; timers count once they are stopped."""

    def groups(
        self, tx: Tx, query: ReportQuery, period: Period, *, after: Key | None, limit: int
    ) -> list[Group]:
        """Return groups in the order of what they are grouped by, those behind `after`."""
        sql, parameters = _entries(query, period)
        names = [_COLUMNS[each] for each in query.grouped_by]
        key = ", ".join(names)
        columns = ", ".join(
            name if name in names else f"{nothing} AS {name}" for name, nothing in _NOTHING.items()
        )
        condition = ""
        if after is not None:
            places = ", ".join(f":after_{place}" for place in range(len(names)))
            condition = f"AND ({key}) > ({places})"
            parameters |= {f"after_{place}": value for place, value in enumerate(after)}
        groups = _GROUPS.format(
            columns=columns, totals=_TOTALS, entries=sql, condition=condition, key=key
        )
        order = ", ".join(f"g.{name}" for name in names)
        statement = _NAMED.format(groups=groups, order=order)
        return [Group(*row) for row in tx.all(statement, limit=limit, **parameters)]

    def totals(self, tx: Tx, query: ReportQuery, period: Period) -> tuple[int, int]:
        """Return how many entries all groups together have, and how many seconds."""
        sql, parameters = _entries(query, period)
        statement = _WHOLE.format(totals=_TOTALS, entries=sql)
        row = tx.one(statement, **parameters)
        return (int(row[0]), int(row[1])) if row else (0, 0)


def key_of(group: Group, query: ReportQuery) -> Key:
    """Return what a group is ordered by."""
    return tuple(getattr(group, _COLUMNS[each]) for each in query.grouped_by)


def _entries(query: ReportQuery, period: Period) -> tuple[str, dict[str, Value]]:
    """Return the statement of all entries of a report, with day and week, and its parameters."""
    parameters: dict[str, Value] = {
        "earliest": period.earliest,
        "latest": period.latest,
        "first_day": period.first_day,
        "last_day": period.last_day,
    }
    conditions: list[str] = []
    for name, condition in _CONDITIONS.items():
        value = getattr(query, name)
        if value is not None:
            conditions.append(condition)
            parameters[name] = value
    local, offsets = _local(period)
    day = f"COALESCE(e.on_day, ({local}) / {MICROSECONDS_PER_DAY})"
    sql = _ENTRIES.format(
        week=week_sql("e.day"), day=day, seconds=_SECONDS, conditions=" ".join(conditions)
    )
    return sql, parameters | offsets


def _local(period: Period) -> tuple[str, dict[str, Value]]:
    """Return the expression of what clocks show when an entry begins, and its parameters."""
    parameters: dict[str, Value] = {}
    arms: list[str] = []
    *changes, last = period.offsets
    for place, offset in enumerate(changes):
        arms.append(
            f"WHEN e.started_at < CAST(:until_{place} AS BIGINT) "
            f"THEN CAST(:ahead_{place} AS BIGINT)"
        )
        parameters[f"until_{place}"] = offset.until
        parameters[f"ahead_{place}"] = offset.microseconds
    parameters["ahead"] = last.microseconds
    ahead = "CAST(:ahead AS BIGINT)"
    if arms:
        ahead = f"CASE {' '.join(arms)} ELSE {ahead} END"
    return f"e.started_at + {ahead}", parameters
