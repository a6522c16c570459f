"""How titles of templates are filled."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.item_templates.models import filled, usual_values
from tidemill.board.template_errors import TemplateValuesMissing


def test_filled_puts_values_in_and_leaves_other_braces_alone() -> None:
    values = {**usual_values("TM", date(2026, 1, 1)), "name": "{date}"}

    assert filled("{project} {date} {week} {month} {year}", values, param="values") == (
        "TM 2026-01-01 2026-W01 2026-01 2026"
    )
    assert filled("{name} {Name} {} {a-b}", values, param="values") == "{date} {Name} {} {a-b}"


def test_filled_names_each_missing_value_once() -> None:
    with pytest.raises(TemplateValuesMissing, match="ask for: b, a\\."):
        filled("{b} {a} {b}", {}, param="values")


@given(st.text(), st.text(max_size=20))
def test_filled_asks_for_nothing_twice(title: str, value: str) -> None:
    """A value is text: what stands in it in braces is not filled again."""
    template = title.replace("{", "").replace("}", "") + "{name}"

    assert filled(template, {"name": value}, param="values").endswith(value)
