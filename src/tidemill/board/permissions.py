"""What one may be allowed to do on the board.

Where `Role.VIEWER` writes, the role in the project decides, by what it does there: see
`project_access/deeds.py`. What concerns no single project needs the role in the tenant that is
said there.
"""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope

READ_PROJECTS: Final = Permission(
    name="board.projects.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
CREATE_PROJECTS: Final = Permission(
    name="board.projects.create",
    role=Role.MEMBER,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
WRITE_PROJECTS: Final = Permission(
    name="board.projects.write", role=Role.VIEWER, scope=Scope.WRITE, resource_scope="board:write"
)
WRITE_PROJECT_MEMBERS: Final = Permission(
    name="board.project_members.write", role=Role.VIEWER, scope=Scope.WRITE, not_for_jobs=True
)
"""To say who may do what in a project, and to leave it; no job lets people in."""
WRITE_PROJECT_GIT: Final = Permission(
    name="board.project_git.write", role=Role.VIEWER, scope=Scope.WRITE, not_for_jobs=True
)
"""To say where a project is kept as files, and to sync it; no job takes a project elsewhere."""
DELETE_PROJECTS: Final = Permission(
    name="board.projects.delete", role=Role.VIEWER, scope=Scope.WRITE
)
IMPORT_PROJECTS: Final = Permission(
    name="board.projects.import",
    role=Role.ADMIN,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
"""To make a project of a document, which says in the name of others what they wrote and did."""
WRITE_WORKFLOWS: Final = Permission(
    name="board.workflows.write",
    role=Role.VIEWER,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
"""To say which statuses a project has; guards would hold nobody back who could drop them."""
READ_WORK_ITEMS: Final = Permission(
    name="board.work_items.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_WORK_ITEMS: Final = Permission(
    name="board.work_items.write",
    role=Role.VIEWER,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
READ_ITEM_KINDS: Final = Permission(
    name="board.item_kinds.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_ITEM_KINDS: Final = Permission(
    name="board.item_kinds.write",
    role=Role.ADMIN,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
"""To say which kinds of work items the tenant has, in all of its projects."""
READ_ITEM_TEMPLATES: Final = Permission(
    name="board.item_templates.read",
    role=Role.VIEWER,
    scope=Scope.READ,
    resource_scope="board:read",
)
WRITE_ITEM_TEMPLATES: Final = Permission(
    name="board.item_templates.write",
    role=Role.VIEWER,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
READ_LABELS: Final = Permission(
    name="board.labels.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_LABELS: Final = Permission(
    name="board.labels.write", role=Role.VIEWER, scope=Scope.WRITE, resource_scope="board:write"
)
READ_CUSTOM_FIELDS: Final = Permission(
    name="board.custom_fields.read",
    role=Role.VIEWER,
    scope=Scope.READ,
    resource_scope="board:read",
)
WRITE_CUSTOM_FIELDS: Final = Permission(
    name="board.custom_fields.write",
    role=Role.VIEWER,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
"""To say what items can have; to delete a field empties it in all of them."""
WATCH_WORK_ITEMS: Final = Permission(
    name="board.work_items.watch",
    role=Role.VIEWER,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
"""To say what oneself wants to hear of; for others it takes an editor."""

READ_SPRINTS: Final = Permission(
    name="board.sprints.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_SPRINTS: Final = Permission(
    name="board.sprints.write", role=Role.VIEWER, scope=Scope.WRITE, resource_scope="board:write"
)
READ_COMMENTS: Final = Permission(
    name="board.comments.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_COMMENTS: Final = Permission(
    name="board.comments.write", role=Role.VIEWER, scope=Scope.WRITE, resource_scope="board:write"
)
READ_ATTACHMENTS: Final = Permission(
    name="board.attachments.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_ATTACHMENTS: Final = Permission(
    name="board.attachments.write",
    role=Role.VIEWER,
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
READ_TIME: Final = Permission(
    name="board.time.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="board:read"
)
WRITE_TIME: Final = Permission(
    name="board.time.write", role=Role.VIEWER, scope=Scope.WRITE, resource_scope="board:write"
)
WRITE_ALL_TIME: Final = Permission(
    name="board.time.write_all", role=Role.VIEWER, scope=Scope.WRITE, resource_scope="board:write"
)
"""To say what is booked by itself."""
READ_NOTIFICATIONS: Final = Permission(
    name="board.notifications.read",
    role=Role.VIEWER,
    scope=Scope.READ,
    resource_scope="board:read",
)
WRITE_NOTIFICATIONS: Final = Permission(
    name="board.notifications.write",
    role=Role.VIEWER,
    scope=Scope.WRITE,
    resource_scope="board:write",
)
"""To do something with one's own inbox, and to say what it shall hold."""

PERMISSIONS: Final = (
    READ_PROJECTS,
    CREATE_PROJECTS,
    WRITE_PROJECTS,
    WRITE_PROJECT_MEMBERS,
    WRITE_PROJECT_GIT,
    DELETE_PROJECTS,
    IMPORT_PROJECTS,
    WRITE_WORKFLOWS,
    READ_WORK_ITEMS,
    WRITE_WORK_ITEMS,
    READ_ITEM_KINDS,
    WRITE_ITEM_KINDS,
    READ_ITEM_TEMPLATES,
    WRITE_ITEM_TEMPLATES,
    READ_SPRINTS,
    WRITE_SPRINTS,
    READ_LABELS,
    WRITE_LABELS,
    READ_CUSTOM_FIELDS,
    WRITE_CUSTOM_FIELDS,
    WATCH_WORK_ITEMS,
    READ_COMMENTS,
    WRITE_COMMENTS,
    READ_ATTACHMENTS,
    WRITE_ATTACHMENTS,
    LINK_JOBS,
    READ_TIME,
    WRITE_TIME,
    WRITE_ALL_TIME,
    READ_NOTIFICATIONS,
    WRITE_NOTIFICATIONS,
)
