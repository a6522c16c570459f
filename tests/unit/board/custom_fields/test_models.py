"""Rules of custom fields."""

from __future__ import annotations

import pytest

from tidemill.board.custom_field_errors import InvalidCustomField
from tidemill.board.custom_fields.models import (
    Choice,
    FieldType,
    GivenChoice,
    Rules,
    check_rules,
    valid_choices,
    valid_key,
    with_retired,
)


def _choices(*names: str, old: tuple[Choice, ...] = ()) -> list[tuple[str, str]]:
    given = [GivenChoice(name=name) for name in names]
    return [(one.id, one.name) for one in valid_choices(FieldType.CHOICE, given, old)]


def test_valid_choices_get_ids_from_their_names() -> None:
    assert _choices("Very High!", "very high", "潮") == [
        ("very-high", "Very High!"),
        ("very-high-2", "very high"),
        ("choice-3", "潮"),
    ]


def test_valid_choices_of_a_known_name_keep_their_id() -> None:
    old = (Choice(id="h1", name="High"),)

    assert _choices("HIGH", "Low", old=old) == [("h1", "HIGH"), ("low", "Low")]


@pytest.mark.parametrize(
    "given",
    [
        (),
        (GivenChoice(name="gone", is_retired=True),),
        (GivenChoice(name="a"), GivenChoice(name="A")),
        (GivenChoice(name="a", id="x"), GivenChoice(name="b", id="x")),
        (GivenChoice(name="a", id="Not An Id"),),
        (GivenChoice(name="low", id="1"), GivenChoice(name="high", id="low")),
        tuple(GivenChoice(name=f"c{n}") for n in range(201)),
    ],
)
def test_valid_choices_refuses_what_cannot_be_told_apart(given: tuple[GivenChoice, ...]) -> None:
    with pytest.raises(InvalidCustomField):
        valid_choices(FieldType.CHOICE, given)


def test_with_retired_keeps_what_items_still_have() -> None:
    old = (Choice(id="a", name="A"), Choice(id="b", name="B"), Choice(id="c", name="C"))

    kept = with_retired((old[0],), old, {"a", "b"})

    assert kept == (old[0], Choice(id="b", name="B", is_retired=True))


@pytest.mark.parametrize("key", ["", "Severity", "1st", "a b", "x" * 51, "tide.mark"])
def test_valid_key_refuses_what_filters_cannot_name(key: str) -> None:
    with pytest.raises(InvalidCustomField):
        valid_key(key)


@pytest.mark.parametrize(
    ("field_type", "rules"),
    [
        ("text", Rules(minimum="1")),
        ("choice", Rules(maximum="1")),
        ("number", Rules(length_max=5)),
        ("text", Rules(length_max=501)),
    ],
)
def test_check_rules_refuses_what_a_type_does_not_have(field_type: str, rules: Rules) -> None:
    with pytest.raises(InvalidCustomField):
        check_rules(FieldType(field_type), rules)
