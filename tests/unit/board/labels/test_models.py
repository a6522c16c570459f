from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.contract import LabelId
from tidemill.board.errors import InvalidText, NullNotAllowed
from tidemill.board.label_errors import InvalidColor, InvalidLabelName
from tidemill.board.labels.models import (
    ItemLabel,
    Label,
    LabelChanges,
    by_name,
    changed,
    color_of,
    joined_ids,
    split_ids,
    valid_color,
    valid_name,
)
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import name_key
from tidemill.core.clock import Instant

LIMITS = BoardLimits()
LABEL = Label(LabelId("l"), None, "tides", "#0aa2c0", None, 1, Instant(1), "u", Instant(1), "u")


@pytest.mark.parametrize("name", ["", " ", "a\0b", "x" * 51])
def test_valid_name_refuses_what_nobody_can_read(name: str) -> None:
    with pytest.raises(InvalidText):
        valid_name(name, LIMITS)


@pytest.mark.parametrize("name", ["a,b", "0190F0C2-7a51-7c3e-9d0e-5a1b2c3d4e5f"])
def test_valid_name_refuses_what_could_be_two_or_an_id(name: str) -> None:
    with pytest.raises(InvalidLabelName):
        valid_name(name, LIMITS)


@pytest.mark.parametrize("color", ["red", "#12345", "#12345g", "0aa2c0", ""])
def test_valid_color_refuses_other_forms(color: str) -> None:
    with pytest.raises(InvalidColor):
        valid_color(color)


@given(st.text(min_size=1))
def test_color_of_any_name_is_a_colour(name: str) -> None:
    assert valid_color(color_of(name)) == color_of(name)


def test_name_key_takes_cases_and_widths_for_one() -> None:
    assert name_key("\uff34IDES") == name_key("tides") == name_key("Tides")


def test_joined_ids_come_back() -> None:
    labels = [ItemLabel(LabelId(id_), name, "#000000") for id_, name in (("b", "A"), ("a", "z"))]

    assert split_ids(joined_ids(labels)) == ("a", "b")
    assert split_ids("") == ()
    assert [label.name for label in by_name(labels)] == ["A", "z"]


def test_changed_keeps_what_is_not_named() -> None:
    assert changed(LABEL, LabelChanges(), LIMITS) == LABEL
    assert changed(LABEL, LabelChanges(description="Ebb"), LIMITS).description == "Ebb"
    for nothing in (LabelChanges(name=None), LabelChanges(color=None)):
        with pytest.raises(NullNotAllowed):
            changed(LABEL, nothing, LIMITS)
