from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.errors import (
    InvalidText,
    NotPlannable,
    NullNotAllowed,
    WrongParent,
)
from tidemill.board.item_kinds.models import WorkItemType
from tidemill.board.limits import BoardLimits
from tidemill.board.work_items.changes import changed_fields, differences
from tidemill.board.work_items.models import (
    WorkItem,
    WorkItemChanges,
    can_assign_to_sprint,
    check_parent,
    valid_description,
    valid_title,
)
from tidemill.board.workflows.models import DEFAULT_WORKFLOW
from tidemill.core.clock import Instant

_LIMITS = BoardLimits()
_PROJECT = ProjectId("project")
_TYPES = list(WorkItemType)


def _an_item() -> WorkItem:
    return WorkItem(
        id=WorkItemId("item"),
        project_id=_PROJECT,
        project_key="TM",
        project_archived_at=None,
        number=1,
        item_type="task",
        title="Read the tide tables",
        description="Both harbours",
        status="todo",
        priority="medium",
        parent_id=None,
        assignee_id=None,
        assignee_name=None,
        assignee_avatar=None,
        external_id=None,
        job=None,
        rank="a0",
        version=1,
        created_at=Instant(1),
        created_by="ada",
        updated_at=Instant(1),
        updated_by="ada",
    )


@pytest.mark.parametrize("item_type", ["story", "task", "bug"])
def test_can_assign_to_sprint_takes_a(item_type: str) -> None:
    """R014."""
    can_assign_to_sprint(item_type)


@pytest.mark.parametrize("item_type", ["project", "epic"])
def test_can_assign_to_sprint_refuses_a(item_type: str) -> None:
    """R014, defect 9."""
    with pytest.raises(NotPlannable):
        can_assign_to_sprint(item_type)


def test_can_assign_to_sprint_follows_what_a_tenant_wants() -> None:
    can_assign_to_sprint("epic", ("epic",))

    with pytest.raises(NotPlannable, match="types epic"):
        can_assign_to_sprint("task", ("epic",))


@given(st.sampled_from(_TYPES), st.sampled_from(_TYPES))
def test_check_parent_allows_exactly_the_hierarchy(child: str, parent: str) -> None:
    above = {"story": {"epic"}, "bug": {"epic"}, "task": {"story", "bug"}}
    if parent in above.get(child, set()):
        check_parent(("a", child, _PROJECT), ("b", parent, _PROJECT))
    else:
        with pytest.raises(WrongParent):
            check_parent(("a", child, _PROJECT), ("b", parent, _PROJECT))


@given(
    st.lists(st.sampled_from(_TYPES), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=40),
)
def test_check_parent_never_lets_a_chain_of_parents_close(
    types: list[str], wishes: list[tuple[int, int]]
) -> None:
    """No item is ever below itself, whatever is asked for in whatever order."""
    parents: dict[int, int] = {}
    for child, parent in wishes:
        if child >= len(types) or parent >= len(types):
            continue
        try:
            check_parent(
                (str(child), types[child], _PROJECT), (str(parent), types[parent], _PROJECT)
            )
        except WrongParent:
            continue
        parents[child] = parent
    for start in parents:
        seen = [start]
        while seen[-1] in parents:
            seen.append(parents[seen[-1]])
            assert len(seen) <= len(WorkItemType), f"{seen} closes"


def test_changed_fields_keeps_what_is_not_named() -> None:
    """R040."""
    item = _an_item()

    changed = changed_fields(
        item, WorkItemChanges(description=None), workflow=DEFAULT_WORKFLOW, limits=_LIMITS
    )

    assert changed == structs.replace(item, description=None)
    (difference,) = differences(item, changed)
    assert (difference.field_name, difference.old_value, difference.new_value) == (
        "description",
        "Both harbours",
        None,
    )


@pytest.mark.parametrize("field", ["title", "status", "priority"])
def test_changed_fields_refuses_null_where_something_must_be(field: str) -> None:
    with pytest.raises(NullNotAllowed) as refused:
        changed_fields(
            _an_item(),
            structs.replace(WorkItemChanges(), **{field: None}),
            workflow=DEFAULT_WORKFLOW,
            limits=_LIMITS,
        )
    assert refused.value.param == field


def test_valid_title_puts_a_title_on_one_line() -> None:
    assert valid_title("  Read\r\n the\ttide tables ", _LIMITS) == "Read the tide tables"


@pytest.mark.parametrize("title", ["", " \n ", "x" * 201, "a\0b", "bell \x07"])
def test_valid_title_refuses(title: str) -> None:
    with pytest.raises(InvalidText) as refused:
        valid_title(title, _LIMITS)
    assert refused.value.param == "title"


def test_valid_description_keeps_lines_and_its_limit() -> None:
    assert valid_description("a\r\nb\rc", _LIMITS) == "a\nb\nc"
    assert valid_description("", _LIMITS) is None
    assert valid_description("x" * 10_000, _LIMITS) is not None
    with pytest.raises(InvalidText):
        valid_description("x" * 10_001, _LIMITS)
    assert valid_description("x" * 20, BoardLimits(description_chars_max=20)) is not None


@given(st.text(max_size=250))
def test_valid_title_gives_one_clean_line_or_refuses(text: str) -> None:
    try:
        title = valid_title(text, _LIMITS)
    except InvalidText:
        return
    assert 1 <= len(title) <= 200
    assert title.splitlines() == [title]
    assert "\0" not in title
    assert valid_title(title, _LIMITS) == title


def test_items_and_their_facts_from_before_there_were_ranks_can_be_read() -> None:
    item = _an_item()
    for kept in (item, item.state()):
        old = structs.asdict(kept)
        del old["rank"]

        read = msgspec.json.decode(msgspec.json.encode(old), type=type(kept))

        assert read == structs.replace(kept, rank="")
