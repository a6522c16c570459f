"""What one may be allowed to do on the board."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope

READ_PROJECTS: Final = Permission(
    name="board.projects.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_PROJECTS: Final = Permission(
    name="board.projects.write", role=Role.MEMBER, scope=Scope.WRITE, resource_scope="board:write"
)
DELETE_PROJECTS: Final = Permission(
    name="board.projects.delete", role=Role.ADMIN, scope=Scope.WRITE
)
READ_WORK_ITEMS: Final = Permission(
    name="board.work_items.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_WORK_ITEMS: Final = Permission(
    name="board.work_items.write",
    role=Role.MEMBER,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
LINK_JOBS: Final = Permission(
    name="board.work_items.link_jobs",
    role=Role.MEMBER,
    scope=Scope.WRITE,
    resource_scope="jobs:run",
)
"""To start a job for an item, which then shows the job's state and result."""

PERMISSIONS: Final = (
    READ_PROJECTS,
    WRITE_PROJECTS,
    DELETE_PROJECTS,
    READ_WORK_ITEMS,
    WRITE_WORK_ITEMS,
    LINK_JOBS,
)
