"""What each deed needs: whoever tells a fact must be allowed what it tells.

Each change of the board is a fact and names its projects, so that a new way to change something is
refused to those who may not before anybody has thought of it.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.board.project_access.models import ProjectRole
from tidemill.core.actor import Role


class Need(Struct, frozen=True, kw_only=True):
    """The weakest role in each project that a fact names, and in the tenant where it names none.

    With `both` the role in the tenant is needed, too; with `first_alone` it is the first project
    that counts.
    """

    project: ProjectRole = ProjectRole.OWNER
    tenant: Role = Role.ADMIN
    both: bool = False
    first_alone: bool = False


_OWNER: Final = Need()
_EDITOR: Final = Need(project=ProjectRole.EDITOR, tenant=Role.MEMBER)
_COMMENTER: Final = Need(project=ProjectRole.COMMENTER, tenant=Role.MEMBER)
_VIEWER: Final = Need(project=ProjectRole.VIEWER, tenant=Role.VIEWER)
_NEEDS: Final = {
    _OWNER: (
        "CustomFieldCreated", "CustomFieldDeleted", "CustomFieldUpdated", "ItemKindCreated",
        "ItemKindDeleted", "ItemKindUpdated", "ProjectDeleted", "ProjectGitBound",
        "ProjectGitUnbound", "ProjectMemberSet", "ProjectRestored", "ProjectVisibilityChanged",
        "WorkflowChanged",
    ),
    _EDITOR: (
        "AttachmentCreated", "AttachmentDeleted", "BoardSettingsChanged", "DependencyCreated",
        "DependencyDeleted", "ItemTemplateCreated", "ItemTemplateDeleted", "ItemTemplateUpdated",
        "LabelCreated", "LabelDeleted", "LabelRestored", "LabelUpdated", "ProjectUpdated",
        "SprintCreated", "SprintDeleted", "SprintUpdated", "TimeEntryCreated", "TimeEntryDeleted",
        "TimeEntryUpdated", "ViewCreated", "ViewDeleted", "ViewUpdated",
        "WorkItemCreated", "WorkItemDeleted", "WorkItemRestored", "WorkItemTransferred",
        "WorkItemUpdated", "WorkItemsDeleted", "WorkItemsReordered", "WorkItemsRestored",
        "WorkItemsUpdated",
    ),
    _COMMENTER: (
        "CommentCreated", "CommentDeleted", "CommentReactionAdded", "CommentReactionRemoved",
        "CommentUpdated", "PeopleMentioned",
    ),
    # Whoever removes somebody else is asked for more where that is done.
    _VIEWER: ("ProjectMemberRemoved", "WatcherAdded", "WatcherRemoved"),
    Need(tenant=Role.MEMBER, both=True): ("ProjectCreated",),
    Need(both=True): ("ProjectImported",),
    # One that starts ends the one before, wherever that ran.
    Need(project=ProjectRole.EDITOR, first_alone=True): ("TimerStarted",),
}  # fmt: skip
CONSEQUENCES: Final = frozenset({
    "ProjectGitSynced",
    "TimerStopped", "WorkItemBlocked", "WorkItemDueSoon", "WorkItemUnblocked",
})  # fmt: skip
"""What follows from another deed, maybe in a project where one may not do it, or not any more."""
NEEDS: Final = {name: need for need, names in _NEEDS.items() for name in names}
