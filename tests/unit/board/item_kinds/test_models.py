"""The rules of kinds together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tidemill.board.item_kinds.models import (
    BUILT_IN,
    USUAL,
    ItemKind,
    Kinds,
    check_together,
    levels_max,
    valid_key,
)
from tidemill.board.kind_errors import InvalidItemKind, ItemKindIsRetired, UnknownItemType

_FEATURE = ItemKind(key="feature", name="Feature", color="#000000", parents=("epic",), position=4)


def test_check_names_the_kinds_that_items_can_get() -> None:
    gone = structs.replace(_FEATURE, retired_at=1)

    with pytest.raises(UnknownItemType, match="epic, story, task, bug, feature"):
        Kinds([*BUILT_IN, _FEATURE]).check("saga")
    with pytest.raises(ItemKindIsRetired, match="Use one of: epic, story, task, bug\\."):
        Kinds([*BUILT_IN, gone]).check("feature")


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"parents": ("saga",)}, "parents"),
        ({"parents": ("feature",)}, "parents"),
        ({"parents": (), "top_level": False}, "top_level"),
    ],
)
def test_check_together_refuses_what_contradicts_itself(
    changed: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidItemKind) as refused:
        check_together(Kinds([*BUILT_IN, structs.replace(_FEATURE, **changed)]))

    assert refused.value.param == param


def test_check_together_bounds_how_far_below_an_epic_something_lies() -> None:
    story = structs.replace(BUILT_IN[1], parents=("epic", "feature"))
    usual = [kind for kind in BUILT_IN if kind.key != "story"]
    check_together(Kinds([*usual, story, _FEATURE]))
    step = ItemKind(key="step", name="Step", color="#000000", parents=("task",), position=5)

    with pytest.raises(InvalidItemKind, match="below epics"):
        check_together(Kinds([*usual, story, _FEATURE, step]))


@pytest.mark.parametrize("key", ["", "Feature", "1st", "a-b", "x" * 41, "project", "none"])
def test_valid_key_refuses(key: str) -> None:
    with pytest.raises(InvalidItemKind):
        valid_key(key)


def test_named_finds_by_key_and_by_name() -> None:
    kinds = Kinds([*BUILT_IN, structs.replace(_FEATURE, name="Große Sache")])

    assert kinds.named("FEATURE") == ["feature"]
    assert kinds.named("grosse sache") == ["feature"]
    assert USUAL.named("saga") == []


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.frozensets(st.sampled_from("abcdef"), max_size=3), min_size=1
    )
)
def test_kinds_that_agree_have_parents_of_smaller_depth(rules: dict[str, frozenset[str]]) -> None:
    """Imports make parents first, and no chain of parents closes."""
    kinds = Kinds(
        ItemKind(key=key, name=key, color="#000000", parents=tuple(sorted(parents)))
        for key, parents in rules.items()
    )
    try:
        check_together(kinds)
    except InvalidItemKind:
        closes = any(_reaches(rules, key, key) for key in rules)
        unknown = any(parents - rules.keys() for parents in rules.values())
        assert closes or unknown or len(rules) >= levels_max
        return
    for key, parents in rules.items():
        assert all(kinds.depth(parent) < kinds.depth(key) for parent in parents)


def _reaches(rules: dict[str, frozenset[str]], start: str, goal: str) -> bool:
    seen, left = set[str](), list(rules[start])
    while left:
        key = left.pop()
        if key == goal:
            return True
        if key in rules and key not in seen:
            seen.add(key)
            left += rules[key]
    return False
