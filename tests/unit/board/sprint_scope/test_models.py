from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.contract import SprintId
from tidemill.board.sprint_scope.models import Planned, ScopeKind, scope_events

A, B = SprintId("a"), SprintId("b")
_PLANNED = st.none() | st.builds(
    Planned, sprint_id=st.sampled_from([A, B]), points=st.integers(0, 100), is_done=st.booleans()
)


def _planned(sprint: SprintId = A, *, points: int = 3, is_done: bool = False) -> Planned:
    return Planned(sprint_id=sprint, points=points, is_done=is_done)


def test_scope_events_of_an_estimate_of_what_is_done_count_on_both_sides() -> None:
    [event] = scope_events(_planned(is_done=True), _planned(points=5, is_done=True))

    assert event.kind is ScopeKind.ESTIMATE
    assert (event.scope_points, event.done_points) == (2, 2)
    assert (event.scope_count, event.done_count) == (0, 0)


def test_scope_events_of_an_item_that_changes_sprints_leave_one_and_enter_the_other() -> None:
    left, entered = scope_events(_planned(A), _planned(B, points=8))

    assert (left.sprint_id, left.kind, left.scope_points) == (A, ScopeKind.REMOVE, -3)
    assert (entered.sprint_id, entered.kind, entered.scope_points) == (B, ScopeKind.ADD, 8)


def test_scope_events_tell_a_carry_over_from_a_removal() -> None:
    left, entered = scope_events(_planned(A), _planned(B), carried_over=True)

    assert (left.kind, entered.kind) == (ScopeKind.CARRY_OVER, ScopeKind.ADD)


@given(st.lists(_PLANNED, max_size=20))
def test_scope_events_add_up_to_what_the_last_state_is(states: list[Planned | None]) -> None:
    steps = zip([None, *states], states, strict=False)
    events = [event for old, new in steps for event in scope_events(old, new)]

    last = states[-1] if states else None
    for sprint in (A, B):
        here = last if last is not None and last.sprint_id == sprint else None
        own = [event for event in events if event.sprint_id == sprint]
        assert sum(event.scope_count for event in own) == (here is not None)
        assert sum(event.scope_points for event in own) == (here.points if here else 0)
        assert sum(event.done_count for event in own) == bool(here and here.is_done)
        assert sum(event.done_points for event in own) == (
            here.points if here and here.is_done else 0
        )
