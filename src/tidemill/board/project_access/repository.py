"""The SQL of what people may do in projects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tidemill.board.contract import ProjectId
from tidemill.board.project_access.models import Access, ProjectRole, ProjectVisibility
from tidemill.core.ports import Row, Tx

_AMONG: Final = {
    "sqlite": "IN (SELECT value FROM json_each(:ids))",
    "postgres": """= ANY (ARRAY(
            SELECT one FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS one
        ))""",
}
_MEMBERS: Final = """
    SELECT project_id, user_id FROM project_members
    WHERE tenant_id = :tenant_id ORDER BY project_id, user_id
"""
_PLACES: Final = {
    dialect: f"""
    SELECT 'work-item:' || id, project_id FROM work_items
    WHERE tenant_id = :tenant_id AND id {among}
    UNION ALL
    SELECT 'sprint:' || id, project_id FROM sprints WHERE tenant_id = :tenant_id AND id {among}
    """  # noqa: S608 - a constant
    for dialect, among in _AMONG.items()
}
_NAMED: Final = {
    dialect: f"""
    SELECT key, id FROM projects WHERE tenant_id = :tenant_id AND key {among}
    UNION ALL
    SELECT id, id FROM projects WHERE tenant_id = :tenant_id AND id {among}
    UNION ALL
    SELECT id, project_id FROM work_items WHERE tenant_id = :tenant_id AND id {among}
    UNION ALL
    SELECT id, project_id FROM sprints WHERE tenant_id = :tenant_id AND id {among}
    """  # noqa: S608 - a constant
    for dialect, among in _AMONG.items()
}
_SEEN: Final = {
    dialect: f"SELECT id FROM projects WHERE tenant_id = :tenant_id AND id {among}"  # noqa: S608 - a constant
    for dialect, among in _AMONG.items()
}
# A tenant has few of them.
_PRIVATE: Final = """
    SELECT id FROM projects WHERE tenant_id = :tenant_id AND visibility = 'private' ORDER BY id
"""
_ACCESS: Final = """
    SELECT p.visibility, m.role
    FROM projects AS p
    LEFT JOIN project_members AS m
        ON m.tenant_id = p.tenant_id AND m.project_id = p.id AND m.user_id = :user_id
    WHERE p.tenant_id = :tenant_id AND p.id = :project_id
"""
# Whoever changes who may do what takes the project for itself alone, see `_LOCK`: a deed and that
# come one after the other. The role is read once the project is held, as it is then.
_HELD_ACCESS: Final = {
    "sqlite": _ACCESS,
    "postgres": """
    WITH p AS MATERIALIZED (
        SELECT tenant_id, id, visibility FROM projects
        WHERE tenant_id = :tenant_id AND id = :project_id
        FOR KEY SHARE
    ), m AS MATERIALIZED (
        SELECT m.role FROM p
        JOIN project_members AS m
            ON m.tenant_id = p.tenant_id AND m.project_id = p.id AND m.user_id = :user_id
        FOR SHARE OF m
    )
    SELECT p.visibility, (SELECT role FROM m) FROM p
    """,
}
_LOCK: Final = """
    SELECT 1 FROM projects WHERE tenant_id = :tenant_id AND id = :project_id FOR UPDATE
"""
_OWNS: Final = """
    SELECT 1 FROM people AS p
    WHERE p.tenant_id = :tenant_id AND p.user_id = :user_id AND p.state = 'active'
        AND (p.role IN ('owner', 'admin') OR EXISTS (
            SELECT 1 FROM project_members AS m
            WHERE m.tenant_id = :tenant_id AND m.project_id = :project_id
                AND m.user_id = :user_id AND m.role = 'owner'
        ))
"""
_PUT: Final = """
    INSERT INTO project_members (tenant_id, project_id, user_id, role, created_at, created_by,
        updated_at, updated_by)
    VALUES (:tenant_id, :project_id, :user_id, :role, :now, :by, :now, :by)
    ON CONFLICT (tenant_id, project_id, user_id) DO UPDATE
    SET role = excluded.role, updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""
SEES: Final = """
    (
        p.role IN ('owner', 'admin')
        OR NOT EXISTS (
            SELECT 1 FROM projects AS v
            WHERE v.tenant_id = p.tenant_id AND v.id = {project_id} AND v.visibility = 'private'
        )
        OR EXISTS (
            SELECT 1 FROM project_members AS m
            WHERE m.tenant_id = p.tenant_id AND m.project_id = {project_id}
                AND m.user_id = p.user_id
        )
    )
"""
"""Whether one of the people, `p`, may see a project; the rule of `project_role` as a condition."""
_READERS: Final = {
    dialect: f"""
    SELECT p.user_id FROM people AS p
    WHERE p.tenant_id = :tenant_id AND p.user_id {among} AND p.state = 'active'
        AND {SEES.format(project_id=":project_id")}
    ORDER BY p.user_id
    """  # noqa: S608 - a constant
    for dialect, among in _AMONG.items()
}


class AccessRepository:
    """Who may see projects of a tenant; asked without walls."""

    def find(self, tx: Tx, project_id: ProjectId, user_id: str) -> Access | None:
        """Return what somebody was made in a project, deleted or not."""
        return _access(tx.one(_ACCESS, project_id=project_id, user_id=user_id))

    def hold(self, tx: Tx, project_id: ProjectId, user_id: str) -> Access | None:
        """Return what `find` returns, which nobody changes before this transaction ends.

        Only the first role that somebody gets in an open project may come in between.
        """
        sql = _HELD_ACCESS[tx.dialect]
        return _access(tx.one(sql, project_id=project_id, user_id=user_id))

    def lock(self, tx: Tx, project_id: ProjectId) -> None:
        """Wait for what others do in the project, before this changes who may do what there."""
        if tx.dialect == "postgres":
            tx.one(_LOCK, project_id=project_id)

    def owns(self, tx: Tx, project_id: ProjectId, user_id: str) -> bool:
        """Return whether an active member of the tenant owns a project, by whatever role."""
        return tx.one(_OWNS, project_id=project_id, user_id=user_id) is not None

    def put(self, tx: Tx, project_id: ProjectId, user_id: str, role: str, *, by: str) -> None:
        """Give somebody a role in a project, instead of the one before."""
        tx.execute(_PUT, project_id=project_id, user_id=user_id, role=role, by=by)

    def named(self, tx: Tx, names: Iterable[str]) -> dict[str, str]:
        """Return the projects that keys of projects, and ids of what is in them, speak of."""
        given = msgspec.json.encode(sorted(names)).decode()
        return {row[0]: row[1] for row in tx.all(_NAMED[tx.dialect], ids=given)}

    def seen(self, tx: Tx, project_ids: Iterable[str]) -> frozenset[str]:
        """Return those of the projects that lie within the walls of `tx`."""
        given = msgspec.json.encode(sorted(project_ids)).decode()
        return frozenset(row[0] for row in tx.all(_SEEN[tx.dialect], ids=given))

    def everything(self, tx: Tx) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """Return the members of all projects, and those of the private ones, the same sets."""
        members: dict[str, set[str]] = {}
        for project_id, user_id in tx.all(_MEMBERS):
            members.setdefault(project_id, set()).add(user_id)
        private = {row[0]: members.setdefault(row[0], set()) for row in tx.all(_PRIVATE)}
        return members, private

    def places(self, tx: Tx, ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return the topics of items and sprints, deleted or not, with their projects."""
        given = msgspec.json.encode(list(ids)).decode()
        return [(row[0], row[1]) for row in tx.all(_PLACES[tx.dialect], ids=given)]

    def readers(self, tx: Tx, project_id: ProjectId, user_ids: Iterable[str]) -> frozenset[str]:
        """Return those of the active members of the tenant who may see a project."""
        given = msgspec.json.encode(list(user_ids)).decode()
        rows = tx.all(_READERS[tx.dialect], project_id=project_id, ids=given)
        return frozenset(row[0] for row in rows)


def _access(row: Row | None) -> Access | None:
    if row is None:
        return None
    return Access(ProjectVisibility(row[0]), None if row[1] is None else ProjectRole(row[1]))
