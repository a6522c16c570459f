from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.errors import StatusTransitionForbidden, UnknownStatus
from tidemill.board.workflows.models import (
    DEFAULT_WORKFLOW,
    Category,
    Times,
    times_in,
    validate_status_transition,
)
from tidemill.core.clock import Instant

statuses = st.sampled_from(sorted(DEFAULT_WORKFLOW.categories))


def test_default_workflow_has_every_category() -> None:
    assert set(DEFAULT_WORKFLOW.categories.values()) == set(Category)
    assert DEFAULT_WORKFLOW.initial == "backlog"


def test_default_workflow_lets_every_status_reach_every_other() -> None:
    for start in DEFAULT_WORKFLOW.categories:
        reached = {start}
        while (
            more := {
                following for status in reached for following in DEFAULT_WORKFLOW.following(status)
            }
            - reached
        ):
            reached |= more
        assert reached == set(DEFAULT_WORKFLOW.categories), f"{start} is a trap"


@given(statuses, statuses)
def test_validate_status_transition_allows_exactly_the_listed_moves(old: str, new: str) -> None:
    """R013."""
    if new == old or new in DEFAULT_WORKFLOW.following(old):
        validate_status_transition(DEFAULT_WORKFLOW, old, new)
    else:
        with pytest.raises(StatusTransitionForbidden, match="From"):
            validate_status_transition(DEFAULT_WORKFLOW, old, new)


def test_times_in_tell_since_when_an_item_is_worked_on_and_done() -> None:
    first, second, third = Instant(1), Instant(2), Instant(3)
    started = times_in(Category.STARTED, Times(), at=first)
    done = times_in(Category.DONE, started, at=second)

    assert done == Times(started_at=first, completed_at=second)
    assert times_in(Category.STARTED, started, at=second) == started
    assert times_in(Category.CANCELLED, done, at=third) == done
    assert times_in(Category.STARTED, done, at=third) == started, "it was taken up again"
    assert times_in(Category.UNSTARTED, done, at=third) == Times()
    assert times_in(Category.DONE, Times(), at=third) == Times(completed_at=third)
    assert times_in(None, done, at=third) == done


def test_validate_status_transition_refuses_an_unknown_status() -> None:
    with pytest.raises(UnknownStatus, match="backlog, todo, in_progress"):
        validate_status_transition(DEFAULT_WORKFLOW, "todo", "teleported")


def test_validate_status_transition_frees_items_of_a_dropped_status() -> None:
    validate_status_transition(DEFAULT_WORKFLOW, "dropped", "todo")


def test_default_workflow_is_what_the_guide_tells() -> None:
    guide = Path("docs/guide/board.md").read_text()
    for status, category in DEFAULT_WORKFLOW.categories.items():
        leads_to = ", ".join(f"`{other}`" for other in DEFAULT_WORKFLOW.following(status))
        assert f"| `{status}` | {category} | {leads_to} |" in guide
