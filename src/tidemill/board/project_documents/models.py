"""A project as a document; its fields and their order are version 1 of the format.

What is called differently in each installation stands as people know it: items by their keys,
people, labels and sprints by their names. Instants are RFC 3339, days are `YYYY-MM-DD`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.board.board_settings.models import Rules
from tidemill.board.custom_fields.models import FieldType
from tidemill.board.custom_fields.values import held
from tidemill.board.projects.models import Project
from tidemill.board.work_items.models import WorkItem
from tidemill.board.workflow_changes.models import Rule, rules_of
from tidemill.board.workflows.models import GuardType, Status, Workflow
from tidemill.core.actor import Role
from tidemill.core.clock import rfc3339, rfc3339_or_none

FORMAT: Final = "tidemill.project"
VERSION: Final = 1


class ProjectPart(Struct, frozen=True, kw_only=True):
    """The project itself."""

    key: str
    name: str
    description: str | None
    status: str
    time_zone: str

    @classmethod
    def of(cls, project: Project) -> ProjectPart:
        """Return what the document says of a project."""
        return cls(
            key=project.key,
            name=project.name,
            description=project.description,
            status=project.status.value,
            time_zone=project.time_zone,
        )


class GuardPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A condition of a move."""

    type: GuardType
    field: str | None = None
    role: Role | None = None


class TransitionPart(Struct, frozen=True, kw_only=True):
    """Moves from one status to some others, all on the same conditions."""

    from_: str = msgspec.field(name="from")
    to: tuple[str, ...]
    guards: tuple[GuardPart, ...]

    @classmethod
    def of(cls, rule: Rule) -> TransitionPart:
        """Return what the document says of moves."""
        guards = (GuardPart(type=one.type, field=one.field, role=one.role) for one in rule.guards)
        return cls(from_=rule.source, to=rule.targets, guards=tuple(guards))


class WorkflowPart(Struct, frozen=True, kw_only=True):
    """The statuses of a project, as whoever sets a workflow sends them.

    Without `transitions` each status leads to every other.
    """

    initial: str
    statuses: tuple[Status, ...]
    transitions: tuple[TransitionPart, ...] | None

    @classmethod
    def of(cls, workflow: Workflow) -> WorkflowPart:
        """Return what the document says of a workflow."""
        rules = rules_of(workflow.transitions)
        return cls(
            initial=workflow.initial,
            statuses=tuple(workflow.statuses),
            transitions=None if rules is None else tuple(map(TransitionPart.of, rules)),
        )


class LabelPart(Struct, frozen=True, kw_only=True):
    """A label of the project, or one of all projects that items of it bear."""

    name: str
    color: str
    description: str | None
    of_project: bool


class CustomFieldPart(Struct, frozen=True, kw_only=True):
    """A custom field of the project, or of all projects; `rules` are as they are kept."""

    key: str
    name: str
    field_type: str
    help: str | None
    is_required: bool
    default: str | None
    rules: msgspec.Raw
    of_project: bool


class SprintPart(Struct, frozen=True, kw_only=True):
    """A sprint."""

    name: str
    goal: str | None
    start_date: str
    end_date: str
    status: str
    started_at: str | None
    ended_at: str | None


class LinkPart(Struct, frozen=True, kw_only=True):
    """A dependency of an item and another one, of any project, by its key.

    `first` says whether the item itself blocks, relates to or duplicates the other one. It stands
    at the first of two items, or at that of the project where the first is in another one.
    """

    type: str
    item: str
    first: bool


class CommentPart(Struct, frozen=True, kw_only=True):
    """A comment; `reply_to` is the place of another one in the list of the item, from 0."""

    author: str
    at: str
    edited_at: str | None
    reply_to: int | None
    content: str


class TimePart(Struct, frozen=True, kw_only=True):
    """Time that a person spent; where `date` is said, only the day and how long are known."""

    person: str
    date: str | None
    started_at: str
    ended_at: str | None
    seconds: int | None
    description: str | None
    source: str


class FilePart(Struct, frozen=True, kw_only=True):
    """A file of an item, without its bytes."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    at: str
    by: str


class WatcherPart(Struct, frozen=True, kw_only=True):
    """Somebody who asked to hear of the item, or not to."""

    person: str
    state: str


class Belongings(Struct, frozen=True, kw_only=True):
    """What belongs to an item beside its own fields."""

    former_keys: tuple[str, ...] = ()
    links: tuple[LinkPart, ...] = ()
    watchers: tuple[WatcherPart, ...] = ()
    comments: tuple[CommentPart, ...] = ()
    time_entries: tuple[TimePart, ...] = ()
    attachments: tuple[FilePart, ...] = ()


class ItemPart(Struct, frozen=True, kw_only=True):
    """A work item with all that belongs to it; items stand in the order of the project."""

    key: str
    item_type: str
    title: str
    description: str | None
    status: str
    priority: str
    parent: str | None
    assignee: str | None
    external_id: str | None
    points: int | None
    estimate_seconds: int | None
    start_date: str | None
    due_date: str | None
    labels: tuple[str, ...]
    custom_fields: dict[str, str]
    sprint: str | None
    archived_at: str | None
    started_at: str | None
    completed_at: str | None
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str
    former_keys: tuple[str, ...]
    links: tuple[LinkPart, ...]
    watchers: tuple[WatcherPart, ...]
    comments: tuple[CommentPart, ...]
    time_entries: tuple[TimePart, ...]
    attachments: tuple[FilePart, ...]

    @classmethod
    def of(
        cls, item: WorkItem, parent: str | None, people: People, belongings: Belongings
    ) -> ItemPart:
        """Return what the document says of an item, which shows its labels."""
        return cls(
            key=item.key,
            item_type=item.item_type,
            title=item.title,
            description=item.description,
            status=item.status,
            priority=item.priority,
            parent=parent,
            assignee=None if item.assignee_id is None else people.name(item.assignee_id),
            external_id=item.external_id,
            points=item.points,
            estimate_seconds=item.estimate_seconds,
            start_date=item.start_date,
            due_date=item.due_date,
            labels=tuple(label.name for label in item.labels),
            custom_fields={
                one.key: people.name(one.value) if one.field_type == FieldType.USER else one.value
                for one in held(item.custom_values).values()
            },
            sprint=item.sprint_name,
            archived_at=rfc3339_or_none(item.archived_at),
            started_at=rfc3339_or_none(item.started_at),
            completed_at=rfc3339_or_none(item.completed_at),
            created_at=rfc3339(item.created_at),
            created_by=people.name(item.created_by),
            updated_at=rfc3339(item.updated_at),
            updated_by=people.name(item.updated_by),
            former_keys=belongings.former_keys,
            links=belongings.links,
            watchers=belongings.watchers,
            comments=belongings.comments,
            time_entries=belongings.time_entries,
            attachments=belongings.attachments,
        )


class Head(Struct, frozen=True, kw_only=True):
    """What stands ahead of the items."""

    format: str = FORMAT
    version: int = VERSION
    exported_at: str
    project: ProjectPart
    workflow: WorkflowPart | None
    board_settings: Rules | None
    labels: tuple[LabelPart, ...]
    custom_fields: tuple[CustomFieldPart, ...]
    sprints: tuple[SprintPart, ...]


class People:
    """The names of people by id; those who share a name, and who is none of them, by their ids."""

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        self._names = dict(rows)
        counts = Counter(name.casefold() for name in self._names.values())
        self._shared = {name for name, count in counts.items() if count > 1}

    def name(self, user_id: str) -> str:
        """Return what the document calls somebody."""
        name = self._names.get(user_id)
        return user_id if name is None or name.casefold() in self._shared else name


def beginning(head: Head) -> bytes:
    """Return the document up to its first item."""
    return msgspec.json.encode(head)[:-1] + b',"items":['


def portion(items: Sequence[ItemPart], *, is_first: bool) -> bytes:
    """Return items as they stand in the document."""
    told = b",\n".join(map(msgspec.json.encode, items))
    return told if is_first or not items else b",\n" + told


END: Final = b"]}\n"
