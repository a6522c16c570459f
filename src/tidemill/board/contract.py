"""What other features may know of the board: ids, facts, and what it does for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Final, NewType, Protocol

import msgspec
from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.facts import Fact, Topic, topic
from tidemill.core.module import Port
from tidemill.core.ports import Tx

ProjectId = NewType("ProjectId", str)
WorkItemId = NewType("WorkItemId", str)
LabelId = NewType("LabelId", str)
SprintId = NewType("SprintId", str)
ViewId = NewType("ViewId", str)


class JobSummary(Struct, frozen=True, kw_only=True):
    """What an item shows of the last job that was started for it.

    `result` is the job's result as JSON when it is short enough, otherwise the beginning of its
    text, and then `truncated` is set; `error` is the message of a job that did not succeed.
    """

    id: str
    state: str
    queued_at: Instant
    result: msgspec.Raw = msgspec.Raw(b"null")
    truncated: bool = False
    error: str | None = None
    finished_at: Instant | None = None


class ProjectState(Struct, frozen=True, kw_only=True):
    """A project as facts carry it; instants are microseconds."""

    id: ProjectId
    key: str
    title: str
    description: str | None
    status: str
    version: int
    next_work_item_number: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    deleted_at: Instant | None = None
    # Facts from before there were private projects have none, and meant this.
    visibility: str = "tenant"


class WorkItemState(Struct, frozen=True, kw_only=True):
    """A work item as facts carry it; instants are microseconds."""

    id: WorkItemId
    key: str
    item_number: int
    item_type: str
    project_id: ProjectId
    parent_id: WorkItemId | None
    title: str
    description: str | None
    status: str
    priority: str
    assignee_id: str | None
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    deleted_at: Instant | None = None
    job: JobSummary | None = None
    # Facts from before there were ranks have none.
    rank: str = ""
    story_points: int | None = None
    start_date: str | None = None
    due_date: str | None = None
    # Deleted labels stay among them, and are shown no more.
    label_ids: tuple[LabelId, ...] = ()
    started_at: Instant | None = None
    completed_at: Instant | None = None
    sprint_id: SprintId | None = None
    estimate_seconds: int | None = None
    archived_at: Instant | None = None
    # Facts from before statuses had a category of their own have none.
    status_category: str | None = None
    # By the keys of the fields, each as a text.
    custom_fields: Mapping[str, str] = {}
    # The same as item_type, for clients whose item_type has a word for the usual kinds alone.
    item_kind: str | None = None


class LabelState(Struct, frozen=True, kw_only=True):
    """A label as facts carry it; one without a project is for all of them."""

    id: LabelId
    project_id: ProjectId | None
    name: str
    color: str
    description: str | None
    version: int
    deleted_at: Instant | None = None


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field's old and new value, as text; None where there was or is nothing."""

    field_name: str
    old_value: str | None
    new_value: str | None


class BoardFact(Fact, frozen=True, kw_only=True):
    """Base of the board's facts."""

    feature: ClassVar[str] = "board"


class ProjectCreated(BoardFact, frozen=True, kw_only=True):
    """A project was made."""

    project: ProjectState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project.id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project.id


class ProjectUpdated(BoardFact, frozen=True, kw_only=True):
    """A project's name, description or status changed."""

    project: ProjectState
    changes: tuple[FieldChange, ...]
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project.id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project.id


class ProjectDeleted(BoardFact, frozen=True, kw_only=True):
    """A project was deleted; its items are hidden with it."""

    project_id: ProjectId
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id


class ProjectRestored(BoardFact, frozen=True, kw_only=True):
    """A deleted project came back with its items."""

    project: ProjectState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project.id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project.id


class WorkItemCreated(BoardFact, frozen=True, kw_only=True):
    """A work item was made."""

    work_item: WorkItemState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item.id, self.work_item.project_id)

    @property
    def subject(self) -> str:
        """Return the item's id."""
        return self.work_item.id


class WorkItemUpdated(BoardFact, frozen=True, kw_only=True):
    """Fields of a work item changed; `work_item` is the item after the change."""

    work_item: WorkItemState
    changes: tuple[FieldChange, ...]
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item.id, self.work_item.project_id)

    @property
    def subject(self) -> str:
        """Return the item's id."""
        return self.work_item.id


class WorkItemDeleted(BoardFact, frozen=True, kw_only=True):
    """A work item was deleted; it can be restored."""

    work_item_id: WorkItemId
    project_id: ProjectId
    version: int
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item_id, self.project_id)

    @property
    def subject(self) -> str:
        """Return the item's id."""
        return self.work_item_id


class WorkItemRestored(BoardFact, frozen=True, kw_only=True):
    """A deleted work item came back."""

    work_item: WorkItemState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item.id, self.work_item.project_id)

    @property
    def subject(self) -> str:
        """Return the item's id."""
        return self.work_item.id


class WorkItemsReordered(BoardFact, frozen=True, kw_only=True):
    """Items have other ranks in the same order, since there was no room left between two.

    `ranks` are pairs of id and rank; versions stay.
    """

    project_id: ProjectId
    ranks: tuple[tuple[str, str], ...]

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id


class WatcherFact(BoardFact, frozen=True, kw_only=True):
    """Base of the facts of watchers."""

    work_item_id: WorkItemId
    project_id: ProjectId
    watcher_id: str
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item_id, self.project_id)

    @property
    def subject(self) -> str:
        """Return the item's id."""
        return self.work_item_id


class WatcherAdded(WatcherFact, frozen=True, kw_only=True):
    """Somebody wants to hear of a work item."""


class WatcherRemoved(WatcherFact, frozen=True, kw_only=True):
    """Somebody wants to hear no more of a work item."""


class LabelFact(BoardFact, frozen=True, kw_only=True):
    """Base of the facts of labels."""

    label: LabelState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project; who follows the tenant hears of labels for all projects."""
        project_id = self.label.project_id
        return () if project_id is None else (project_topic(project_id),)

    @property
    def subject(self) -> str:
        """Return the label's id."""
        return self.label.id


class LabelCreated(LabelFact, frozen=True, kw_only=True):
    """A label was made."""


class LabelUpdated(LabelFact, frozen=True, kw_only=True):
    """A label's name, colour or description changed."""


class LabelDeleted(LabelFact, frozen=True, kw_only=True):
    """A label was deleted: no item shows it any more."""


class LabelRestored(LabelFact, frozen=True, kw_only=True):
    """A deleted label came back, on the items that bore it."""


class ViewFact(BoardFact, frozen=True, kw_only=True):
    """Base of the facts of views that all see."""

    view_id: ViewId
    project_id: ProjectId | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project; who follows the tenant hears of views of all projects."""
        return () if self.project_id is None else (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the view's id."""
        return self.view_id


class ViewCreated(ViewFact, frozen=True, kw_only=True):
    """A view was made for all."""


class ViewUpdated(ViewFact, frozen=True, kw_only=True):
    """A shared view changed, or one began or ceased to be shared: read it again."""


class ViewDeleted(ViewFact, frozen=True, kw_only=True):
    """A shared view was deleted."""


def project_topic(project_id: ProjectId) -> Topic:
    """Return what to follow to hear of a project and of all items in it."""
    return topic("project", project_id)


def item_topics(item_id: WorkItemId, project_id: ProjectId) -> tuple[Topic, ...]:
    """Return what to follow to hear of one item: the item itself or its project."""
    return topic("work-item", item_id), project_topic(project_id)


class Board(Protocol):
    """What the board does for features above it."""

    async def find_work_item(self, reference: str, *, actor: Actor) -> WorkItemState:
        """Return the item with this id or key (`TM-12`); raises `WorkItemNotFound`."""
        ...

    async def check_work_item_id(self, item_id: str, *, actor: Actor) -> None:
        """Return when it is that of a living item; else `WorkItemNotFound`, `InvalidReference`."""
        ...

    async def hidden_work_items(self, item_ids: Collection[str], *, actor: Actor) -> frozenset[str]:
        """Return those of the items that are in projects which `actor` may not see."""
        ...

    def show_job(
        self, tx: Tx, item_id: WorkItemId, summary: JobSummary, *, by: Actor
    ) -> WorkItemState | None:
        """Show `summary` on the item, with activity, fact and audit line, in `tx`.

        Returns None and changes nothing when the item is gone or shows a newer job.
        """
        ...


BOARD: Final[Port[Board]] = Port("board")
