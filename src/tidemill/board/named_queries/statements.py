"""The named queries; each stays in its tenant, and reads what the lists of the board show."""

from __future__ import annotations

from typing import Final

from tidemill.board.blocking.waiting import FINISHED
from tidemill.board.named_queries.models import (
    Column,
    ColumnKind,
    NamedQuery,
    Parameter,
    ParameterKind,
)

FUNCTIONS: Final = frozenset({"coalesce", "count", "sum"})
"""All that the statements call."""

_PROJECT: Final = Parameter(name="project", kind=ParameterKind.PROJECT, summary="Which project.")
_ITEM: Final = Parameter(name="item", kind=ParameterKind.ITEM, summary="The item above them.")
_DAYS: Final = Parameter(
    name="days", kind=ParameterKind.DAYS, summary="How many days to look back.", default=14
)
_KEY: Final = Column(name="key", kind=ColumnKind.KEY)
_TITLE: Final = Column(name="title", kind=ColumnKind.USER_TEXT)
_LISTED: Final = """w.tenant_id = :tenant_id AND w.project_id = :project_id
        AND w.deleted_at IS NULL AND w.archived_at IS NULL"""
_OPEN: Final = f"{_LISTED} AND w.status_category NOT IN ({FINISHED})"
_WITH_PROJECT: Final = """FROM work_items AS w
    JOIN projects AS p ON p.tenant_id = w.tenant_id AND p.id = w.project_id"""
_WITH_ASSIGNEE: Final = """LEFT JOIN people AS u
        ON u.tenant_id = w.tenant_id AND u.user_id = w.assignee_id"""


def _columns(**kinds: ColumnKind) -> tuple[Column, ...]:
    return tuple(Column(name=name, kind=kind) for name, kind in kinds.items())


_WORD, _NUMBER, _TEXT = ColumnKind.WORD, ColumnKind.NUMBER, ColumnKind.USER_TEXT
_QUERIES: Final = (
    NamedQuery(
        name="blocked_items",
        summary="Open items that wait for others, and each open item that they wait for.",
        parameters=(_PROJECT,),
        columns=(_KEY, _TITLE, *_columns(waits_for=ColumnKind.KEY, waits_for_title=_TEXT)),
        tables=frozenset({"dependencies", "projects", "work_items"}),
        sql=f"""
    SELECT p.key || '-' || w.number, w.title, q.key || '-' || b.number, b.title
    {_WITH_PROJECT}
    JOIN dependencies AS d ON d.tenant_id = w.tenant_id AND d.blocked_item_id = w.id
        AND d.dependency_type = 'blocks'
    JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocking_item_id
    JOIN projects AS q ON q.tenant_id = b.tenant_id AND q.id = b.project_id
    WHERE {_OPEN} AND b.deleted_at IS NULL AND q.deleted_at IS NULL
        AND b.status_category NOT IN ({FINISHED})
    ORDER BY w.number, q.key, b.number LIMIT :limit""",
    ),
    NamedQuery(
        name="child_items",
        summary="The items right below an item.",
        parameters=(_ITEM,),
        columns=(_KEY, *_columns(item_type=_WORD, status=_WORD), _TITLE),
        tables=frozenset({"projects", "work_items"}),
        sql=f"""
    SELECT p.key || '-' || w.number, w.item_type, w.status, w.title
    {_WITH_PROJECT}
    WHERE w.tenant_id = :tenant_id AND w.parent_id = :item_id AND w.deleted_at IS NULL
        AND w.archived_at IS NULL
    ORDER BY w.number LIMIT :limit""",
    ),
    NamedQuery(
        name="done_items",
        summary="Items that were done or cancelled of late, the latest first.",
        parameters=(_PROJECT, _DAYS),
        columns=(_KEY, _TITLE, *_columns(status=_WORD, completed_at=ColumnKind.INSTANT)),
        tables=frozenset({"projects", "work_items"}),
        sql=f"""
    SELECT p.key || '-' || w.number, w.title, w.status, w.completed_at
    {_WITH_PROJECT}
    WHERE {_LISTED} AND w.status_category IN ({FINISHED}) AND w.completed_at >= :since
    ORDER BY w.completed_at DESC, w.number DESC LIMIT :limit""",
    ),
    NamedQuery(
        name="items_by_status",
        summary="How many items there are of each status, and their points.",
        parameters=(_PROJECT,),
        columns=_columns(status=_WORD, category=_WORD, items=_NUMBER, points=_NUMBER),
        tables=frozenset({"work_items"}),
        sql=f"""
    SELECT w.status, w.status_category, COUNT(*), COALESCE(SUM(w.points), 0)
    FROM work_items AS w
    WHERE {_LISTED}
    GROUP BY w.status, w.status_category ORDER BY w.status LIMIT :limit""",  # noqa: S608 - constant parts
    ),
    NamedQuery(
        name="overdue_items",
        summary="Open items whose due day is over in the project's time zone, the oldest first.",
        parameters=(_PROJECT,),
        columns=(_KEY, _TITLE, *_columns(due_date=ColumnKind.DAY, assignee=_TEXT)),
        tables=frozenset({"people", "projects", "work_items"}),
        sql=f"""
    SELECT p.key || '-' || w.number, w.title, w.due_date, u.name
    {_WITH_PROJECT}
    {_WITH_ASSIGNEE}
    WHERE {_OPEN} AND w.due_date < :today
    ORDER BY w.due_date, w.number LIMIT :limit""",
    ),
    NamedQuery(
        name="sprint_progress",
        summary="Sprints, the latest first: how many items they hold now, how many are done.",
        parameters=(_PROJECT,),
        columns=_columns(
            sprint=_TEXT,
            status=_WORD,
            start_date=ColumnKind.DAY,
            end_date=ColumnKind.DAY,
            items=_NUMBER,
            done_items=_NUMBER,
            points=_NUMBER,
            done_points=_NUMBER,
        ),
        tables=frozenset({"sprints", "work_items"}),
        sql="""
    SELECT s.name, s.status, s.start_date, s.end_date, COUNT(w.id),
        COALESCE(SUM(CASE WHEN w.status_category = 'done' THEN 1 ELSE 0 END), 0),
        COALESCE(SUM(w.points), 0),
        COALESCE(SUM(CASE WHEN w.status_category = 'done' THEN w.points ELSE 0 END), 0)
    FROM sprints AS s
    LEFT JOIN work_items AS w ON w.tenant_id = s.tenant_id AND w.sprint_id = s.id
        AND w.deleted_at IS NULL AND w.archived_at IS NULL
    WHERE s.tenant_id = :tenant_id AND s.project_id = :project_id AND s.deleted_at IS NULL
    GROUP BY s.id, s.name, s.status, s.start_date, s.end_date
    ORDER BY s.start_date DESC, s.id LIMIT :limit""",
    ),
    NamedQuery(
        name="stale_items",
        summary="Items that are being worked on and were not changed of late, the oldest first.",
        parameters=(_PROJECT, _DAYS),
        columns=(
            _KEY,
            _TITLE,
            *_columns(status=_WORD, updated_at=ColumnKind.INSTANT, assignee=_TEXT),
        ),
        tables=frozenset({"people", "projects", "work_items"}),
        sql=f"""
    SELECT p.key || '-' || w.number, w.title, w.status, w.updated_at, u.name
    {_WITH_PROJECT}
    {_WITH_ASSIGNEE}
    WHERE {_LISTED} AND w.status_category = 'started' AND w.updated_at < :since
    ORDER BY w.updated_at, w.number LIMIT :limit""",
    ),
    NamedQuery(
        name="workload",
        summary="How many open items each person has, and their points; null is nobody.",
        parameters=(_PROJECT,),
        columns=_columns(assignee=_TEXT, assignee_id=_WORD, items=_NUMBER, points=_NUMBER),
        tables=frozenset({"people", "work_items"}),
        sql=f"""
    SELECT u.name, w.assignee_id, COUNT(*) AS items, COALESCE(SUM(w.points), 0)
    FROM work_items AS w
    {_WITH_ASSIGNEE}
    WHERE {_OPEN}
    GROUP BY w.assignee_id, u.name ORDER BY items DESC, w.assignee_id LIMIT :limit""",  # noqa: S608 - constant parts
    ),
)

QUERIES: Final = {query.name: query for query in _QUERIES}
