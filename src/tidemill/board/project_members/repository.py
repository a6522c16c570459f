"""The SQL of members of projects."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_members.models import ProjectMember
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

_PAGE: Final = """
    SELECT m.user_id, a.name, a.avatar, m.role
    FROM project_members AS m
    JOIN people AS a
        ON a.tenant_id = m.tenant_id AND a.user_id = m.user_id AND a.state = 'active'
    WHERE m.tenant_id = :tenant_id AND m.project_id = :project_id AND m.user_id > :after
    ORDER BY m.user_id
    LIMIT :limit
"""
_PERSON: Final = """
    SELECT name, avatar, role FROM people
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND state = 'active'
"""
_ROLE: Final = """
    SELECT role FROM project_members
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND user_id = :user_id
"""
_REMOVE: Final = """
    DELETE FROM project_members
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND user_id = :user_id
"""
_REMOVE_PERSON: Final = """
    DELETE FROM project_members
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND updated_at <= :until
"""


class ProjectMemberRepository:
    """Members of projects; those who left the tenant are shown no more."""

    def page(self, tx: Tx, project_id: ProjectId, *, after: str, limit: int) -> list[ProjectMember]:
        """Return members of a project by their ids."""
        rows = tx.all(_PAGE, project_id=project_id, after=after, limit=limit)
        return [ProjectMember(row[0], row[1], row[2], ProjectRole(row[3])) for row in rows]

    def person(self, tx: Tx, user_id: str) -> tuple[str, str | None, str | None] | None:
        """Return name, picture and role in the tenant of an active member of it."""
        row = tx.one(_PERSON, user_id=user_id)
        return (row[0], row[1], row[2]) if row else None

    def role(self, tx: Tx, project_id: ProjectId, user_id: str) -> ProjectRole | None:
        """Return what somebody was made in a project."""
        row = tx.one(_ROLE, project_id=project_id, user_id=user_id)
        return ProjectRole(row[0]) if row else None

    def remove(self, tx: Tx, project_id: ProjectId, user_id: str) -> None:
        """Take somebody's role in a project."""
        tx.execute(_REMOVE, project_id=project_id, user_id=user_id)

    def remove_person(self, tx: Tx, user_id: str, until: Instant) -> None:
        """Take all roles in projects that somebody was given up to an instant."""
        tx.execute(_REMOVE_PERSON, user_id=user_id, until=until)
