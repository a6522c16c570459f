"""How workflows look on the wire."""

from __future__ import annotations

from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from tidemill.board.workflow_changes.models import (
    NewWorkflow,
    ProjectWorkflow,
    Rule,
    guards_per_move_max,
    rules_of,
    statuses_max,
)
from tidemill.board.workflows.models import Category, Guard, GuardType, Status
from tidemill.core.actor import Role
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, View

_rules_max: Final = statuses_max**2


class StatusBody(Body, frozen=True, kw_only=True):
    """A status; items and filters say its key, people read its name."""

    key: Annotated[str, Meta(max_length=40, examples=["in_progress"])]
    name: Annotated[str, Meta(max_length=200, examples=["In progress"])]
    category: Category
    color: Annotated[str | None, Meta(description="#rrggbb.", examples=["#0072b2"])] = None


class GuardBody(Body, frozen=True, kw_only=True):
    """A condition of a move; `requires_field` names a field, `requires_role` the least role."""

    type: GuardType
    field: str | None = None
    role: Role | None = None


class TransitionBody(Body, frozen=True, kw_only=True):
    """Moves from one status to some others, all on the same conditions."""

    from_: str = msgspec.field(name="from")
    to: Annotated[list[str], Meta(max_length=statuses_max)]
    guards: Annotated[list[GuardBody], Meta(max_length=guards_per_move_max)] = msgspec.field(
        default_factory=list
    )


class PutWorkflow(Body, frozen=True, kw_only=True):
    """The statuses of a project in the order of a board, and the moves between them."""

    statuses: Annotated[list[StatusBody], Meta(min_length=1, max_length=statuses_max)]
    initial: Annotated[
        str | None,
        Meta(description="Where new items begin; else the first status that is not started."),
    ] = None
    transitions: Annotated[
        Annotated[list[TransitionBody], Meta(max_length=_rules_max)] | None,
        Meta(description="Null: each status leads to every other."),
    ] = None
    moves: Annotated[
        dict[str, str],
        Meta(
            description="Where items of statuses go that are no longer there.",
            max_length=statuses_max,
            examples=[{"todo": "ready"}],
        ),
    ] = msgspec.field(default_factory=dict)

    def wanted(self) -> NewWorkflow:
        """Return what the body asks for."""
        return NewWorkflow(
            statuses=tuple(
                Status(key=one.key, name=one.name, category=one.category, color=one.color)
                for one in self.statuses
            ),
            initial=self.initial,
            rules=None if self.transitions is None else tuple(map(_rule, self.transitions)),
            moves=self.moves,
        )


class StatusView(View, frozen=True, kw_only=True):
    """A status of a workflow."""

    key: str
    name: str
    category: Category
    color: str | None


class GuardView(View, frozen=True, kw_only=True, omit_defaults=True):
    """A condition of a move."""

    type: GuardType
    field: str | None = None
    role: Role | None = None


class TransitionView(View, frozen=True, kw_only=True):
    """Moves from one status to some others, all on the same conditions."""

    from_: str = msgspec.field(name="from")
    to: list[str]
    guards: list[GuardView]


class WorkflowView(View, frozen=True, kw_only=True):
    """The workflow of a project; nobody has set the default one, which is version 1."""

    project_id: str
    initial: str
    statuses: list[StatusView]
    transitions: list[TransitionView] | None
    is_default: bool
    version: int
    updated_at: int | None
    updated_by: str | None

    @classmethod
    def of(cls, found: ProjectWorkflow) -> Self:
        """Return the view of a project's workflow; instants are whole seconds since 1970."""
        workflow, updated_at = found.workflow, found.updated_at
        rules = rules_of(workflow.transitions)
        return cls(
            project_id=found.project_id,
            initial=workflow.initial,
            statuses=[
                StatusView(key=one.key, name=one.name, category=one.category, color=one.color)
                for one in workflow.statuses
            ],
            transitions=None if rules is None else [_shown(rule) for rule in rules],
            is_default=updated_at is None,
            version=found.version,
            updated_at=None if updated_at is None else updated_at // MICROSECONDS_PER_SECOND,
            updated_by=found.updated_by,
        )


def _rule(body: TransitionBody) -> Rule:
    guards = (Guard(type=one.type, field=one.field, role=one.role) for one in body.guards)
    return Rule(source=body.from_, targets=tuple(body.to), guards=tuple(guards))


def _shown(rule: Rule) -> TransitionView:
    return TransitionView(
        from_=rule.source,
        to=[*rule.targets],
        guards=[GuardView(type=one.type, field=one.field, role=one.role) for one in rule.guards],
    )
