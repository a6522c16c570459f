"""The walls around projects, in SQL: what a statement reads lies within them.

A statement of the board names its tables as ever. For somebody to whom projects may be invisible
each table that holds something of projects is replaced by what of it that person may see, so that
a new statement is behind the walls without knowing of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# Nothing of it depends on the row at hand: it is worked out once for each statement, and for a
# tenant without private projects that is a look into an empty index.
_HIDDEN: Final = """
    SELECT hp.id FROM projects AS hp
    WHERE hp.tenant_id = :tenant_id AND hp.visibility = 'private' AND NOT EXISTS (
        SELECT 1 FROM project_members AS hm
        WHERE hm.tenant_id = :tenant_id AND hm.project_id = hp.id AND hm.user_id = :reader_id
    )
"""
_HIDDEN_FROM_GUESTS: Final = """
    SELECT hp.id FROM projects AS hp
    WHERE hp.tenant_id = :tenant_id AND hp.id <> :reader_project_id
"""
_OF_PROJECT: Final = "project_id NOT IN ({hidden})"
_OF_PROJECT_OR_TENANT: Final = "COALESCE(project_id, '') NOT IN ({hidden})"
_OF_ITEM: Final = """(NOT EXISTS ({hidden}) OR NOT EXISTS (
        SELECT 1 FROM work_items AS hw
        WHERE hw.tenant_id = :tenant_id AND hw.id = work_item_id AND hw.project_id IN ({hidden})
    ))"""
# Whatever else hangs on an item is read together with it, or when it was found.
_VISIBLE: Final = {
    "projects": "id NOT IN ({hidden})",
    "work_items": _OF_PROJECT,
    "sprints": _OF_PROJECT,
    "time_entries": _OF_PROJECT,
    "project_git_bindings": _OF_PROJECT,
    "project_git_files": _OF_PROJECT,
    "workflows": _OF_PROJECT,
    "workflow_statuses": _OF_PROJECT,
    "labels": _OF_PROJECT_OR_TENANT,
    "custom_fields": _OF_PROJECT_OR_TENANT,
    "views": _OF_PROJECT_OR_TENANT,
    "item_templates": _OF_PROJECT_OR_TENANT,
    "notifications": _OF_ITEM,
}
# To guests nothing of the tenant is shown but what items of their project are made of.
_VISIBLE_TO_GUESTS: Final = {
    **_VISIBLE,
    "views": _OF_PROJECT,
    "item_templates": _OF_PROJECT,
    "notifications": "1 = 0",
}
# Jobs are nothing of a project: what an item shows of its last one is for members.
_UNTOLD_TO_GUESTS: Final = re.compile(r"\bw\.job\b")
TABLES: Final = frozenset(_VISIBLE)
"""What holds something of projects and is read by itself."""
TABLES_OF_WALLS: Final = frozenset({"projects", "project_members", "work_items"})
"""What the walls themselves read."""
_READ: Final = re.compile(
    rf"""
    (?<!DELETE\ )\b(?P<word>FROM|JOIN)\s+(?P<table>{"|".join(sorted(TABLES))})\b
    (?:\s+AS\s+(?P<alias>\w+))?
    """,
    re.VERBOSE,
)


@lru_cache(maxsize=4096)
def walled(sql: str, *, is_guest: bool) -> str:
    """Return `sql` so that it reads what `:reader_id` may see, or a guest of a project."""
    hidden = _HIDDEN_FROM_GUESTS if is_guest else _HIDDEN
    visibles = _VISIBLE_TO_GUESTS if is_guest else _VISIBLE

    def behind_walls(match: re.Match[str]) -> str:
        table = match.group("table")
        visible = visibles[table].format(hidden=hidden)
        return (
            f"{match.group('word')} (SELECT * FROM {table} "  # noqa: S608 - names of tables
            f"WHERE tenant_id = :tenant_id AND {visible}) AS {match.group('alias') or table}"
        )

    told = _UNTOLD_TO_GUESTS.sub("CAST(NULL AS TEXT)", sql) if is_guest else sql
    return _READ.sub(behind_walls, told)
