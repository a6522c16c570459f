"""What a change of an item means for the sprints that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from tidemill.board.contract import ProjectId, SprintId
from tidemill.core.clock import Instant


class ScopeKind(StrEnum):
    """Why a sprint's scope changed."""

    ADD = "add"
    REMOVE = "remove"
    ESTIMATE = "estimate"
    DONE = "done"
    UNDONE = "undone"
    CARRY_OVER = "carry_over"
    """The item left since its sprint ended; what the sprint held until then stays as it was."""


class OpenSprint(Struct, frozen=True):
    """A sprint that still takes items, in the order of its columns."""

    id: SprintId
    project_id: ProjectId
    name: str
    status: str


class Planned(Struct, frozen=True, kw_only=True):
    """What counts of an item that lies in a sprint; an item without an estimate has no points."""

    sprint_id: SprintId
    points: int
    is_done: bool


class ScopeEvent(Struct, frozen=True, kw_only=True):
    """By how much a sprint's scope, and what of it is done, went up or down."""

    sprint_id: SprintId
    kind: ScopeKind
    scope_count: int = 0
    scope_points: int = 0
    done_count: int = 0
    done_points: int = 0
    at: Instant = Instant(0)


def scope_events(
    old: Planned | None, new: Planned | None, *, carried_over: bool = False
) -> Sequence[ScopeEvent]:
    """Return what follows for the sprints of an item that was `old` and is `new`.

    None is an item that counts nowhere: it is in no sprint, deleted or cancelled.
    """
    if old is not None and new is not None and old.sprint_id == new.sprint_id:
        return _within(old, new)
    events = []
    if old is not None:
        kind = ScopeKind.CARRY_OVER if carried_over else ScopeKind.REMOVE
        events.append(_whole(old, kind, -1))
    if new is not None:
        events.append(_whole(new, ScopeKind.ADD, 1))
    return events


def _within(old: Planned, new: Planned) -> Sequence[ScopeEvent]:
    events = []
    more = new.points - old.points
    if more:
        events.append(
            ScopeEvent(
                sprint_id=new.sprint_id,
                kind=ScopeKind.ESTIMATE,
                scope_points=more,
                done_points=more if old.is_done else 0,
            )
        )
    if old.is_done != new.is_done:
        sign = 1 if new.is_done else -1
        events.append(
            ScopeEvent(
                sprint_id=new.sprint_id,
                kind=ScopeKind.DONE if new.is_done else ScopeKind.UNDONE,
                done_count=sign,
                done_points=sign * new.points,
            )
        )
    return events


def _whole(item: Planned, kind: ScopeKind, sign: int) -> ScopeEvent:
    return ScopeEvent(
        sprint_id=item.sprint_id,
        kind=kind,
        scope_count=sign,
        scope_points=sign * item.points,
        done_count=sign if item.is_done else 0,
        done_points=sign * item.points if item.is_done else 0,
    )
