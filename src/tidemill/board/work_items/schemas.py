"""How work items look on the wire."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tidemill.board.contract import JobSummary
from tidemill.board.item_kinds.models import PROJECT
from tidemill.board.projects.models import Project
from tidemill.board.work_items.models import (
    Priority,
    WorkItem,
    estimate_seconds_max,
    points_max,
)
from tidemill.board.workflows.models import Category
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.http import Body, PageView, View

# To call an enum costs four times as much, and a page has hundreds of items.
_PRIORITIES: Final = {each.value: each for each in Priority}
_CATEGORIES: Final = {each.value: each for each in Category}

Estimate = Annotated[
    int, Meta(ge=0, le=estimate_seconds_max, description="How long it may take, in seconds.")
]
Points = Annotated[
    int, Meta(ge=0, le=points_max, description="How large it is, in the team's own measure.")
]
Labels = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...],
    Meta(max_length=100, description="Labels by id or name."),
]
CustomFields = Annotated[
    dict[str, str | int | float | None],
    Meta(max_length=200, description="Values of custom fields by their keys; null empties one."),
]
Version = Annotated[int, Meta(ge=1, le=2**53)]


ItemType = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        description="The key of a kind of the tenant: epic, story, task, bug or one of its own.",
        examples=["task"],
    ),
]


class ChangeWorkItem(Body, frozen=True, kw_only=True):
    """What shall change: a field that is left out stays, null empties it."""

    item_type: ItemType | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    assignee_id: str | UnsetType | None = UNSET
    parent_id: str | UnsetType | None = UNSET
    points: Points | UnsetType | None = UNSET
    estimate_seconds: Estimate | UnsetType | None = UNSET
    start_date: date | UnsetType | None = UNSET
    due_date: date | UnsetType | None = UNSET
    labels: Labels | UnsetType | None = UNSET
    sprint_id: (
        Annotated[str | None, Meta(description="A planned or active sprint; null is the backlog.")]
        | UnsetType
    ) = UNSET
    add_labels: Labels = ()
    remove_labels: Labels = ()
    after_id: (
        Annotated[
            str | None,
            Meta(description="The id or key of the item that it shall follow; null is the start."),
        ]
        | UnsetType
    ) = UNSET
    archived: bool | UnsetType | None = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    before_id: (
        Annotated[
            str | None,
            Meta(description="The id or key of the item that it shall precede; null is the end."),
        ]
        | UnsetType
    ) = UNSET
    expected_version: Version | UnsetType = UNSET
    base_version: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=2**53,
                description="The version that you read: what others changed since is kept, "
                "unless both changed the same field.",
            ),
        ]
        | UnsetType
    ) = UNSET


class PersonView(View, frozen=True, kw_only=True):
    """A member, as far as everybody may know."""

    id: str
    name: str
    avatar: str | None


class ItemLabelView(View, frozen=True, kw_only=True):
    """A label that an item bears."""

    id: str
    name: str
    color: str


class SprintView(View, frozen=True, kw_only=True):
    """The sprint of an item."""

    id: str
    name: str


class ItemJobView(View, frozen=True, kw_only=True):
    """The last job that was started for an item; `result` is cut when it is long."""

    id: str
    state: str
    result: object
    truncated: bool
    error: str | None
    finished_at: int | None

    @classmethod
    def of(cls, summary: JobSummary) -> Self:
        """Return the view of `summary`."""
        finished_at = summary.finished_at
        return cls(
            id=summary.id,
            state=summary.state,
            result=msgspec.json.decode(summary.result),
            truncated=summary.truncated,
            error=summary.error,
            finished_at=None if finished_at is None else finished_at // MICROSECONDS_PER_SECOND,
        )


class WorkItemView(View, frozen=True, kw_only=True):
    """A work item; instants are whole seconds since 1970, dates are YYYY-MM-DD.

    A project that is read as one has the number 0, its key, and active or archived as its status.
    `description_html` comes where one item is read: the description's Markdown, safe to show.
    Items of a project stand in the order of their ranks, compared byte by byte. An item is
    `blocked` while it is unfinished and waits for another one that is. `custom_fields` are those
    that it has values in, by their keys: each is a text, a number as well.
    """

    id: str
    key: str
    number: int
    project_id: str
    item_type: str
    title: str
    description: str | None
    status: str
    priority: Priority
    parent_id: str | None
    assignee: PersonView | None
    sprint: SprintView | None
    job: ItemJobView | None
    external_id: str | None
    rank: str
    points: int | None
    estimate_seconds: int | None
    start_date: str | None
    due_date: str | None
    labels: list[ItemLabelView]
    status_category: Category | None
    started_at: int | None
    completed_at: int | None
    blocked: bool
    archived_at: int | None
    attachment_count: int
    custom_fields: dict[str, str]
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str
    description_html: str | UnsetType | None = UNSET

    @classmethod
    def of(cls, item: WorkItem) -> Self:
        """Return the view of `item`."""
        summary = item.job_summary
        return cls(
            id=item.id,
            key=item.key,
            number=item.number,
            project_id=item.project_id,
            item_type=item.item_type,
            title=item.title,
            description=item.description,
            status=item.status,
            priority=_PRIORITIES[item.priority],
            parent_id=item.parent_id,
            assignee=_assignee(item),
            sprint=_sprint(item),
            job=ItemJobView.of(summary) if summary else None,
            external_id=item.external_id,
            rank=item.rank,
            points=item.points,
            estimate_seconds=item.estimate_seconds,
            start_date=item.start_date,
            due_date=item.due_date,
            labels=[
                ItemLabelView(id=label.id, name=label.name, color=label.color)
                for label in item.labels
            ],
            status_category=_CATEGORIES.get(item.status_category or ""),
            started_at=_seconds(item.started_at),
            completed_at=_seconds(item.completed_at),
            blocked=item.is_blocked,
            archived_at=_seconds(item.archived_at),
            attachment_count=item.attachment_count,
            custom_fields=item.custom_fields,
            version=item.version,
            created_at=item.created_at // MICROSECONDS_PER_SECOND,
            created_by=item.created_by,
            updated_at=item.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=item.updated_by,
        )

    @classmethod
    def of_project(cls, project: Project) -> Self:
        """Return the view of a project as a work item: its title is the project's name."""
        return cls(
            id=project.id,
            key=project.key,
            number=0,
            project_id=project.id,
            item_type=PROJECT,
            title=project.name,
            description=project.description,
            status=project.status.value,
            priority=Priority.MEDIUM,
            parent_id=None,
            assignee=None,
            sprint=None,
            job=None,
            external_id=None,
            rank="",
            points=None,
            estimate_seconds=None,
            start_date=None,
            due_date=None,
            labels=[],
            custom_fields={},
            status_category=None,
            started_at=None,
            completed_at=None,
            blocked=False,
            archived_at=_seconds(project.archived_at),
            attachment_count=0,
            version=project.version,
            created_at=project.created_at // MICROSECONDS_PER_SECOND,
            created_by=project.created_by,
            updated_at=project.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=project.updated_by,
        )


def _seconds(at: Instant | None) -> int | None:
    return None if at is None else at // MICROSECONDS_PER_SECOND


class WorkItemPage(PageView, frozen=True, kw_only=True):
    """A part of a list of items."""

    items: list[WorkItemView]


def _sprint(item: WorkItem) -> SprintView | None:
    if item.sprint_id is None:
        return None
    return SprintView(id=item.sprint_id, name=item.sprint_name or "")


def _assignee(item: WorkItem) -> PersonView | None:
    if item.assignee_id is None:
        return None
    # Whoever left the tenant altogether has no name here any more.
    return PersonView(
        id=item.assignee_id, name=item.assignee_name or "", avatar=item.assignee_avatar
    )
