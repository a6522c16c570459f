"""How statements cut the work items `w` into lanes, and in which order the lanes come."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.board.board_settings.models import LaneField


class LaneSql(Struct, frozen=True, kw_only=True):
    """What a field is in SQL: the column that is a lane's value, and what has to be joined for it.

    `names` lists the first lanes of `:ids` in their order, as value, name and an item's key; where
    it is None the values are `choices`, in order, or kinds of items.
    """

    value: str
    joins: str = ""
    names: str | None = None
    choices: tuple[str, ...] = ()
    is_kind: bool = False


AMONG_IDS: Final = {
    "sqlite": "IN (SELECT value FROM json_each(:ids))",
    "postgres": """= ANY (ARRAY(
            SELECT one FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS one
        ))""",
}
"""Whether a column is one of the JSON array `:ids`; PostgreSQL looks the few up one by one."""

_ITEMS: Final = """
    SELECT w.id, w.title, p.key, w.number FROM work_items AS w
    JOIN projects AS p ON p.tenant_id = w.tenant_id AND p.id = w.project_id
    WHERE w.tenant_id = :tenant_id AND w.id {among}
    ORDER BY w.rank, w.id LIMIT :limit
"""
_UP: Final = """
    LEFT JOIN work_items AS up ON up.tenant_id = w.tenant_id AND up.id = w.parent_id
    LEFT JOIN work_items AS high ON high.tenant_id = up.tenant_id AND high.id = up.parent_id
    LEFT JOIN work_items AS top ON top.tenant_id = high.tenant_id AND top.id = high.parent_id
"""
_BORNE: Final = """
    LEFT JOIN (
        SELECT il.work_item_id, il.label_id FROM item_labels AS il
        JOIN labels AS l ON l.tenant_id = il.tenant_id AND l.id = il.label_id
        WHERE il.tenant_id = :tenant_id AND l.deleted_at IS NULL
    ) AS borne ON borne.work_item_id = w.id
"""
LANES: Final = {
    LaneField.ASSIGNEE: LaneSql(
        value="w.assignee_id",
        names="""
    SELECT user_id, name, NULL, NULL FROM people
    WHERE tenant_id = :tenant_id AND user_id {among}
    ORDER BY lower(name), user_id LIMIT :limit
""",
    ),
    LaneField.PRIORITY: LaneSql(value="w.priority", choices=("critical", "high", "medium", "low")),
    LaneField.ITEM_TYPE: LaneSql(value="w.item_type", is_kind=True),
    LaneField.PARENT: LaneSql(value="w.parent_id", names=_ITEMS),
    LaneField.EPIC: LaneSql(
        value="""CASE WHEN w.item_type = 'epic' THEN w.id
            WHEN up.item_type = 'epic' THEN up.id WHEN high.item_type = 'epic' THEN high.id
            WHEN top.item_type = 'epic' THEN top.id END""",
        joins=_UP,
        names=_ITEMS,
    ),
    LaneField.SPRINT: LaneSql(
        value="w.sprint_id",
        names="""
    SELECT id, name, NULL, NULL FROM sprints
    WHERE tenant_id = :tenant_id AND id {among}
    ORDER BY start_date, id LIMIT :limit
""",
    ),
    LaneField.LABEL: LaneSql(
        value="borne.label_id",
        joins=_BORNE,
        names="""
    SELECT id, name, NULL, NULL FROM labels
    WHERE tenant_id = :tenant_id AND id {among}
    ORDER BY lower(name), id LIMIT :limit
""",
    ),
}
