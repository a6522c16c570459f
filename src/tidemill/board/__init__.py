"""The board: projects and the work items in them. Other features import from here only."""

from tidemill.board.contract import (
    BOARD,
    Board,
    FieldChange,
    JobSummary,
    ProjectCreated,
    ProjectDeleted,
    ProjectId,
    ProjectRestored,
    ProjectState,
    ProjectUpdated,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemId,
    WorkItemRestored,
    WorkItemState,
    WorkItemUpdated,
)
from tidemill.board.permissions import LINK_JOBS

__all__ = [
    "BOARD",
    "LINK_JOBS",
    "Board",
    "FieldChange",
    "JobSummary",
    "ProjectCreated",
    "ProjectDeleted",
    "ProjectId",
    "ProjectRestored",
    "ProjectState",
    "ProjectUpdated",
    "WorkItemCreated",
    "WorkItemDeleted",
    "WorkItemId",
    "WorkItemRestored",
    "WorkItemState",
    "WorkItemUpdated",
]
