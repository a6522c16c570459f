"""What people write in custom fields, as it is kept and compared."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.custom_field_errors import InvalidCustomValue
from tidemill.board.custom_field_facts import CustomFieldId
from tidemill.board.custom_fields.models import Choice, CustomField, FieldType, Rules
from tidemill.board.custom_fields.values import (
    Held,
    by_key,
    held,
    kept,
    millionths,
    number,
    ordinal,
    valid_value,
)
from tidemill.board.errors import InvalidText
from tidemill.core.clock import Instant

_CHOICES = (Choice(id="high", name="Very high"), Choice(id="old", name="Old", is_retired=True))


def _field(field_type: str, **rules: Any) -> CustomField:
    stamps = (1, Instant(1), "ada", Instant(1), "ada")
    said = (FieldType(field_type), None, False, None, Rules(**rules))
    return CustomField(CustomFieldId("1"), None, "x", "X", *said, *stamps)


@pytest.mark.parametrize(
    ("field_type", "given_value", "value"),
    [
        ("text", "  a   b ", "a b"),
        ("number", "007.50", "7.5"),
        ("number", "-0.0", "0"),
        ("number", 12, "12"),
        ("number", 0.1, "0.1"),
        ("number", 1e-06, "0.000001"),
        ("number", "999999999999.999999", "999999999999.999999"),
        ("date", "2026-02-28", "2026-02-28"),
        ("choice", "high", "high"),
        ("choice", " VERY high ", "high"),
        ("user", "ada-1", "ada-1"),
        ("link", "https://tide.example/a?b=c#d", "https://tide.example/a?b=c#d"),
    ],
)
def test_valid_value_keeps_one_way_to_write_each(
    field_type: str, given_value: Any, value: str
) -> None:
    field = _field(field_type, choices=_CHOICES if field_type == "choice" else ())

    assert valid_value(field, given_value) == value
    assert valid_value(field, value) == value


@pytest.mark.parametrize(
    ("field_type", "given_value"),
    [
        ("text", ""),
        ("text", "x" * 501),
        ("text", 5),
        ("text", "a\0b"),
        ("number", "1e3"),
        ("number", "1,5"),
        ("number", "٣"),
        ("number", "1000000000000"),
        ("number", "0.0000001"),
        ("number", 0.12345678901234566),
        ("number", ""),
        ("date", "2026-02-29"),
        ("date", "20260228"),
        ("date", 20260228),
        ("choice", "low"),
        ("choice", "old"),
        ("user", "a\0b"),
        ("user", ""),
        ("link", "javascript:alert(1)"),
        ("link", "https:///nowhere"),
        ("link", "https://a b"),
        ("link", "http://[broken"),
        ("link", "https://tide.example/" + "x" * 500),
    ],
)
def test_valid_value_refuses_what_does_not_fit_and_names_the_field(
    field_type: str, given_value: Any
) -> None:
    field = _field(field_type, choices=_CHOICES if field_type == "choice" else ())

    with pytest.raises((InvalidCustomValue, InvalidText)) as caught:
        valid_value(field, given_value)

    assert caught.value.param == "custom_fields.x"


def test_valid_value_holds_bounds_and_lengths() -> None:
    between = _field("number", minimum="-1.5", maximum="10")
    assert [valid_value(between, one) for one in ("-1.5", "10")] == ["-1.5", "10"]
    for wrong in ("-1.500001", "10.1", "11"):
        with pytest.raises(InvalidCustomValue):
            valid_value(between, wrong)
    with pytest.raises(InvalidCustomValue, match="less than 2026-01-01"):
        valid_value(_field("date", minimum="2026-01-01"), "2025-12-31")
    with pytest.raises(InvalidText):
        valid_value(_field("text", length_max=3), "four")


def test_valid_value_lets_a_retired_choice_stay_where_it_is() -> None:
    field = _field("choice", choices=_CHOICES)

    assert valid_value(field, "old", current="old") == "old"


@given(st.decimals(-(10**12) + 1, 10**12 - 1, places=6))
def test_number_is_exact_and_ordered_as_decimals_are(wanted: Decimal) -> None:
    value = number(format(wanted, "f"))

    assert value is not None
    assert Decimal(value) == wanted
    assert number(value) == value
    assert millionths(value) == wanted * 10**6


@given(st.text(max_size=30))
def test_number_reads_or_refuses_any_text(text: str) -> None:
    value = number(text)

    assert value is None or Decimal(value) == Decimal(text)


def test_ordinal_of_long_texts_differs_behind_what_is_compared() -> None:
    first, second = ("x" * 300 + end for end in "ab")

    assert ordinal("text", first) != ordinal("text", second)
    assert ordinal("text", first) == ordinal("text", first.upper())
    assert ordinal("link", "https://A.example") != ordinal("link", "https://a.example")
    assert len(str(ordinal("text", "ﷺ" * 500))) < 300


def test_kept_is_read_again_and_nothing_is_none() -> None:
    holdings = {"2": Held("b", "text", "x"), "1": Held("a", "number", "1.5")}

    assert held(kept(holdings)) == holdings
    assert by_key(kept(holdings)) == {"a": "1.5", "b": "x"}
    assert kept({}) is None
    assert held(None) == {}
