"""How work items look on the wire."""

from __future__ import annotations

from typing import Annotated, Final, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tidemill.board.contract import JobSummary
from tidemill.board.work_items.models import Priority, WorkItem, WorkItemType
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, PageView, View

# To call an enum costs four times as much, and a page has hundreds of items.
_TYPES: Final = {each.value: each for each in WorkItemType}
_PRIORITIES: Final = {each.value: each for each in Priority}

Version = Annotated[int, Meta(ge=1, le=2**53)]


class CreateWorkItem(Body, frozen=True, kw_only=True):
    """A new item; its project may be left out when a parent is named."""

    item_type: WorkItemType
    title: Annotated[str, Meta(min_length=1, examples=["Read the tide tables"])]
    project_id: Annotated[
        str | None, Meta(description="The project's id or key.", examples=["TM"])
    ] = None
    parent_id: Annotated[
        str | None, Meta(description="The parent's id or key.", examples=["TM-1"])
    ] = None
    description: str | None = None
    status: str | None = None
    priority: Priority = Priority.MEDIUM
    assignee_id: str | None = None


class ChangeWorkItem(Body, frozen=True, kw_only=True):
    """What shall change: a field that is left out stays, null empties it."""

    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    assignee_id: str | UnsetType | None = UNSET
    parent_id: str | UnsetType | None = UNSET
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
    """A work item; instants are whole seconds since 1970."""

    id: str
    key: str
    number: int
    project_id: str
    item_type: WorkItemType
    title: str
    description: str | None
    status: str
    priority: Priority
    parent_id: str | None
    assignee: PersonView | None
    sprint: SprintView | None
    job: ItemJobView | None
    external_id: str | None
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str

    @classmethod
    def of(cls, item: WorkItem) -> Self:
        """Return the view of `item`."""
        summary = item.job_summary
        return cls(
            id=item.id,
            key=item.key,
            number=item.number,
            project_id=item.project_id,
            item_type=_TYPES[item.item_type],
            title=item.title,
            description=item.description,
            status=item.status,
            priority=_PRIORITIES[item.priority],
            parent_id=item.parent_id,
            assignee=_assignee(item),
            sprint=None,
            job=ItemJobView.of(summary) if summary else None,
            external_id=item.external_id,
            version=item.version,
            created_at=item.created_at // MICROSECONDS_PER_SECOND,
            created_by=item.created_by,
            updated_at=item.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=item.updated_by,
        )


class WorkItemPage(PageView, frozen=True, kw_only=True):
    """A part of a list of items."""

    items: list[WorkItemView]


def _assignee(item: WorkItem) -> PersonView | None:
    if item.assignee_id is None:
        return None
    # Whoever left the tenant altogether has no name here any more.
    return PersonView(
        id=item.assignee_id, name=item.assignee_name or "", avatar=item.assignee_avatar
    )
