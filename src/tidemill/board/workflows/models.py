"""Statuses, what they mean, and the moves between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.board.errors import StatusTransitionForbidden, UnknownStatus
from tidemill.core.actor import Role
from tidemill.core.clock import Instant


class Category(StrEnum):
    """What a status means, whatever it is called."""

    BACKLOG = "backlog"
    UNSTARTED = "unstarted"
    STARTED = "started"
    DONE = "done"
    CANCELLED = "cancelled"


CLOSED: Final = frozenset({Category.DONE, Category.CANCELLED})
"""Nothing waits any longer for an item in these."""
WAITING: Final = frozenset({Category.BACKLOG, Category.UNSTARTED})
"""Nobody works yet on an item in these; new items begin in one."""


class Status(Struct, frozen=True, kw_only=True):
    """A status: `key` is what items and filters say, `name` is what people read."""

    key: str
    name: str
    category: Category
    color: str | None = None


class GuardType(StrEnum):
    """What a move may ask for."""

    ASSIGNEE = "requires_assignee"
    FIELD = "requires_field"
    NO_OPEN_BLOCKERS = "requires_no_open_blockers"
    NO_OPEN_CHILDREN = "requires_no_open_children"
    ROLE = "requires_role"


class Guard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition of a move; `field` and `role` say more of the types that are named so."""

    type: GuardType
    field: str | None = None
    role: Role | None = None


Transitions = Mapping[str, Mapping[str, tuple[Guard, ...]]]
"""From each status to those that may follow, each with the conditions of that move."""


class Workflow(Struct, frozen=True, kw_only=True):
    """The statuses of a project in the order of a board, and where each may lead.

    Without `transitions` each status leads to every other. `former` are statuses that the
    workflow had once and what they meant: the history of items still names them.
    """

    statuses: tuple[Status, ...]
    initial: str
    transitions: Transitions | None = None
    former: Mapping[str, Category] = {}

    @property
    def categories(self) -> Mapping[str, Category]:
        """Return what each status means, in the order of a board."""
        return {status.key: status.category for status in self.statuses}

    @property
    def closing(self) -> str:
        """Return the status of what need not be done: the first cancelled one, else done one."""
        return self.first_of(Category.CANCELLED) or self.first_of(Category.DONE) or self.initial

    def first_of(self, category: Category) -> str | None:
        """Return the first status that means `category`."""
        return next((one.key for one in self.statuses if one.category is category), None)

    def category_of(self, status: str) -> Category | None:
        """Return what a status means, or meant when the workflow still had it."""
        found = next((one.category for one in self.statuses if one.key == status), None)
        return found or self.former.get(status)

    def check(self, status: str) -> str:
        """Return `status`; raise `UnknownStatus` when the workflow lacks it."""
        if all(status != one.key for one in self.statuses):
            raise UnknownStatus(status, self.categories)
        return status

    def ways_into(self, status: str) -> tuple[tuple[Guard, ...], ...]:
        """Return the conditions of each move that leads to `status`; of where items begin none."""
        if self.transitions is None or status == self.initial:
            return ()
        return tuple(moves[status] for moves in self.transitions.values() if status in moves)

    def following(self, status: str) -> Iterator[str]:
        """Return where a status may lead."""
        if self.transitions is not None:
            return iter(self.transitions.get(status, {}))
        return (one.key for one in self.statuses if one.key != status)


def validate_status_transition(workflow: Workflow, old: str, new: str) -> tuple[Guard, ...]:
    """Return the conditions on which an item may go from `old` to `new`; staying has none.

    Raises `UnknownStatus` and `StatusTransitionForbidden`.
    """
    workflow.check(new)
    # A status that a workflow has dropped must not hold its items for ever.
    if new == old or workflow.transitions is None or old not in workflow.categories:
        return ()
    following = workflow.transitions.get(old, {})
    if new not in following:
        raise StatusTransitionForbidden(old, new, following)
    return following[new]


class Times(Struct, frozen=True, kw_only=True):
    """Since when an item is being worked on, and since when it is done or cancelled."""

    started_at: Instant | None = None
    completed_at: Instant | None = None


def times_in(category: Category | None, times: Times, *, at: Instant) -> Times:
    """Return the times of an item that comes into `category` at an instant; None keeps them.

    What goes back to wait has not been started, and what is taken up again is not completed. An
    item that is closed without having been started has no start.
    """
    if category is None:
        return times
    if category in WAITING:
        return Times()
    if category in CLOSED:
        return Times(started_at=times.started_at, completed_at=times.completed_at or at)
    return Times(started_at=times.started_at or at)


def _status(key: str, category: Category) -> Status:
    return Status(key=key, name=key.replace("_", " ").capitalize(), category=category)


def _to(*statuses: str) -> Mapping[str, tuple[Guard, ...]]:
    return dict.fromkeys(statuses, ())


DEFAULT_WORKFLOW: Final = Workflow(
    statuses=(
        _status("backlog", Category.BACKLOG),
        _status("todo", Category.UNSTARTED),
        _status("in_progress", Category.STARTED),
        _status("blocked", Category.STARTED),
        _status("review", Category.STARTED),
        _status("done", Category.DONE),
        _status("cancelled", Category.CANCELLED),
    ),
    initial="backlog",
    transitions={
        "backlog": _to("todo", "in_progress", "cancelled"),
        "todo": _to("backlog", "in_progress", "blocked", "done", "cancelled"),
        "in_progress": _to("backlog", "todo", "blocked", "review", "done", "cancelled"),
        "blocked": _to("backlog", "todo", "in_progress", "review", "cancelled"),
        "review": _to("todo", "in_progress", "blocked", "done", "cancelled"),
        "done": _to("todo", "in_progress", "review"),
        "cancelled": _to("backlog", "todo"),
    },
)
"""The workflow of every project that has none of its own."""
