from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.bulk_changes.models import in_order
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.work_items.changing.models import StepKind
from tidemill.board.work_items.models import WorkItem
from tidemill.core.clock import Instant

_NUMBERS = range(8)
# Pairs of a smaller and a greater number never close a circle.
_PAIRS = st.tuples(st.sampled_from(_NUMBERS), st.sampled_from(_NUMBERS)).filter(
    lambda pair: pair[0] < pair[1]
)


def _item(number: int, parent: int | None = None) -> WorkItem:
    return WorkItem(
        id=WorkItemId(str(number)),
        project_id=ProjectId("p"),
        project_key="TM",
        project_archived_at=None,
        number=number,
        item_type="task",
        title="Sail",
        description=None,
        status="todo",
        priority="medium",
        parent_id=None if parent is None else WorkItemId(str(parent)),
        assignee_id=None,
        assignee_name=None,
        assignee_avatar=None,
        external_id=None,
        job=None,
        version=1,
        created_at=Instant(0),
        created_by="u",
        updated_at=Instant(0),
        updated_by="u",
    )


@given(
    st.dictionaries(st.sampled_from(_NUMBERS), st.sampled_from(_NUMBERS)),
    st.lists(_PAIRS),
    st.permutations(_NUMBERS),
)
def test_in_order_puts_what_others_wait_for_ahead_of_them(
    parents: dict[int, int], blocking: list[tuple[int, int]], given_order: list[int]
) -> None:
    # A child has a smaller number than its parent, as what blocks has one than what it blocks.
    above = {child: parent for child, parent in parents.items() if child < parent}
    items = [_item(number, above.get(number)) for number in given_order]
    pairs = [(str(first), str(second)) for first, second in blocking]

    ordered = [item.number for item in in_order(items, StepKind.CHANGE, pairs)]

    assert sorted(ordered) == list(_NUMBERS)
    for first, second in (*above.items(), *blocking):
        assert ordered.index(first) < ordered.index(second)


def test_in_order_brings_parents_back_before_their_children() -> None:
    items = [_item(1, parent=2), _item(2, parent=3), _item(3)]

    assert [item.number for item in in_order(items, StepKind.RESTORE)] == [3, 2, 1]


def test_in_order_leaves_what_no_order_satisfies_as_it_is() -> None:
    items = [_item(1), _item(2)]

    ordered = in_order(items, StepKind.CHANGE, [("1", "2"), ("2", "1")])

    assert ordered == items
