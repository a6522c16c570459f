"""The parts of a project document besides its items; see `models`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from tidemill.board.custom_fields.models import Given
from tidemill.board.item_kinds.models import ItemKind
from tidemill.board.projects.models import Project
from tidemill.board.sprints.burndown import Burndown
from tidemill.board.work_items.models import Priority
from tidemill.board.workflow_changes.models import Rule, rules_of
from tidemill.board.workflows.models import GuardType, Status, Workflow
from tidemill.core.actor import Role

# What no database could keep is no figure of any project.
Figure = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]
Date = date
Number = Annotated[int, Meta(ge=1, le=1_000_000_000_000)]


class ProjectPart(Struct, frozen=True, kw_only=True):
    """The project itself; `next_item_number` is one that no item of it ever had.

    `books_jobs` says whether the time of jobs is booked on its items.
    """

    key: str
    name: str
    description: str | None
    status: str
    time_zone: str
    next_item_number: Number = 1
    books_jobs: bool = False
    visibility: str = "tenant"

    @classmethod
    def of(cls, project: Project, *, books_jobs: bool) -> ProjectPart:
        """Return what the document says of a project."""
        return cls(
            key=project.key,
            name=project.name,
            description=project.description,
            status=project.status.value,
            time_zone=project.time_zone,
            next_item_number=project.next_item_number,
            books_jobs=books_jobs,
            visibility=project.visibility,
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


class KindPart(Struct, frozen=True, kw_only=True):
    """A kind that items or templates of the project have, or that may be above such a one.

    `parents` are those of them under which it may hang.
    """

    key: str
    name: str
    color: str
    icon: str | None
    parents: tuple[str, ...]
    top_level: bool
    in_sprints: bool | None
    retired: bool

    @classmethod
    def of(cls, kind: ItemKind) -> KindPart:
        """Return what the document says of a kind."""
        return cls(
            key=kind.key,
            name=kind.name,
            color=kind.color,
            icon=kind.icon,
            parents=tuple(sorted(kind.parents)),
            top_level=kind.top_level,
            in_sprints=kind.in_sprints,
            retired=kind.retired_at is not None,
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


class SketchPart(Struct, frozen=True, kw_only=True):
    """An item as a template has it, and what comes below it."""

    item_type: str
    title: str
    description: str | None
    priority: Priority | None
    assignee: str | None
    points: Figure | None
    estimate_seconds: Figure | None
    labels: tuple[str, ...]
    custom_fields: dict[str, Given]
    children: tuple[SketchPart, ...]


class TemplatePart(Struct, frozen=True, kw_only=True):
    """A template of the project's own."""

    name: str
    description: str | None
    item: SketchPart


class ScopePart(Struct, frozen=True, kw_only=True):
    """A line of a sprint's ledger; `item` is null where the item was deleted since."""

    at: str
    item: str | None
    kind: str
    scope_count: Figure
    scope_points: Figure
    done_count: Figure
    done_points: Figure


class SprintPart(Struct, frozen=True, kw_only=True):
    """A sprint, with its ledger and, once it has ended, its report.

    `called` is what items name it by: its name, or its id where two share a name.
    """

    called: str
    name: str
    goal: str | None
    start_date: date
    end_date: date
    status: str
    started_at: str | None
    ended_at: str | None
    ledger: tuple[ScopePart, ...]
    report: Burndown | None


class LinkPart(Struct, frozen=True, kw_only=True):
    """A dependency of an item and another one, of any project, by its key.

    `first` says whether the item itself blocks, relates to or duplicates the other one. It stands
    at the first of two items, or at that of the project where the first is in another one.
    """

    type: str
    item: str
    first: bool


class RevisionPart(Struct, frozen=True, kw_only=True):
    """A text that a comment had before it was edited."""

    content: str
    at: str
    by: str


class ReactionPart(Struct, frozen=True, kw_only=True):
    """How somebody reacted to a comment."""

    emoji: str
    person: str


class CommentPart(Struct, frozen=True, kw_only=True):
    """A comment; `reply_to` is the place of another one in the list of the item, from 0.

    `mentions` says who is meant by what stands behind an @, `revisions` are earlier texts.
    """

    author: str
    at: str
    edited_at: str | None
    reply_to: int | None
    content: str
    mentions: dict[str, str] = {}
    revisions: tuple[RevisionPart, ...] = ()
    reactions: tuple[ReactionPart, ...] = ()


class TimePart(Struct, frozen=True, kw_only=True):
    """Time that a person spent; where `date` is said, only the day and how long are known."""

    person: str
    date: Date | None
    started_at: str
    ended_at: str | None
    seconds: int | None
    description: str | None
    source: str


class FilePart(Struct, frozen=True, kw_only=True):
    """A file of an item; an archive has its bytes under `files/`, by their digest."""

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


class PersonPart(Struct, frozen=True, kw_only=True):
    """Somebody whom the document names; without `email` where the reader may not see it.

    `called` is what the document says: the name, or the id where two share a name.
    """

    called: str
    name: str
    email: str | None
