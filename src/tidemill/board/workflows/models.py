"""Statuses, what they mean, and the moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.board.errors import StatusTransitionForbidden, UnknownStatus
from tidemill.core.clock import Instant


class Category(StrEnum):
    """What a status means, whatever it is called."""

    BACKLOG = "backlog"
    UNSTARTED = "unstarted"
    STARTED = "started"
    DONE = "done"
    CANCELLED = "cancelled"


class Workflow(Struct, frozen=True, kw_only=True):
    """The statuses of a project in the order of a board, and where each may lead."""

    categories: Mapping[str, Category]
    transitions: Mapping[str, tuple[str, ...]]

    @property
    def initial(self) -> str:
        """Return the status of a new item."""
        return next(iter(self.categories))

    @property
    def finished(self) -> tuple[str, ...]:
        """Return the statuses after which nothing waits for an item any longer."""
        return tuple(status for status, means in self.categories.items() if means in CLOSED)

    def check(self, status: str) -> str:
        """Return `status`; raise `UnknownStatus` when the workflow lacks it."""
        if status not in self.categories:
            raise UnknownStatus(status, self.categories)
        return status


def validate_status_transition(workflow: Workflow, old: str, new: str) -> None:
    """Return when an item may go from `old` to `new`; staying is always allowed.

    Raises `UnknownStatus` and `StatusTransitionForbidden`.
    """
    workflow.check(new)
    # A status that a workflow has dropped must not hold its items for ever.
    if new == old or old not in workflow.transitions:
        return
    if new not in workflow.transitions[old]:
        raise StatusTransitionForbidden(old, new, workflow.transitions[old])


class Times(Struct, frozen=True, kw_only=True):
    """Since when an item is being worked on, and since when it is done or cancelled."""

    started_at: Instant | None = None
    completed_at: Instant | None = None


CLOSED: Final = frozenset({Category.DONE, Category.CANCELLED})
_WAITING: Final = frozenset({Category.BACKLOG, Category.UNSTARTED})


def times_in(category: Category | None, times: Times, *, at: Instant) -> Times:
    """Return the times of an item that comes into `category` at an instant; None keeps them.

    What goes back to wait has not been started, and what is taken up again is not completed. An
    item that is closed without having been started has no start.
    """
    if category is None:
        return times
    if category in _WAITING:
        return Times()
    if category in CLOSED:
        return Times(started_at=times.started_at, completed_at=times.completed_at or at)
    return Times(started_at=times.started_at or at)


DEFAULT_WORKFLOW: Final = Workflow(
    categories={
        "backlog": Category.BACKLOG,
        "todo": Category.UNSTARTED,
        "in_progress": Category.STARTED,
        "blocked": Category.STARTED,
        "review": Category.STARTED,
        "done": Category.DONE,
        "cancelled": Category.CANCELLED,
    },
    transitions={
        "backlog": ("todo", "in_progress", "cancelled"),
        "todo": ("backlog", "in_progress", "blocked", "done", "cancelled"),
        "in_progress": ("backlog", "todo", "blocked", "review", "done", "cancelled"),
        "blocked": ("backlog", "todo", "in_progress", "review", "cancelled"),
        "review": ("todo", "in_progress", "blocked", "done", "cancelled"),
        "done": ("todo", "in_progress", "review"),
        "cancelled": ("backlog", "todo"),
    },
)
"""The workflow of every project."""
