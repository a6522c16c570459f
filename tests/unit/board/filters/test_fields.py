"""The guide lists every field and order, as the registry has them."""

from __future__ import annotations

import pytest

from tests.architecture.sources import ROOT
from tidemill.board.filters.fields import FIELDS, SORTINGS
from tidemill.board.filters.models import Filter
from tidemill.board.filters.parsing import parse

_GUIDE = (ROOT / "docs" / "guide" / "filters.md").read_text(encoding="utf-8")


def fields_table() -> str:
    """Return the table of fields."""
    rows = [
        f"| {', '.join(f'`{word}`' for word in (field.name, *field.aliases))} | {field.summary} "
        f"| {field.kind.value} | `{field.example}` |\n"
        for field in FIELDS.values()
    ]
    return "| field | what it is | values | such as |\n|---|---|---|---|\n" + "".join(rows)


def orders_table() -> str:
    """Return the table of orders."""
    rows = [
        f"| `{one.name}` | {one.summary}{' Needs a project.' if one.needs_project else ''} |\n"
        for one in SORTINGS.values()
    ]
    return "| order | what it is |\n|---|---|\n" + "".join(rows)


def test_fields_are_those_of_the_guide() -> None:
    assert fields_table() in _GUIDE


def test_fields_orders_are_those_of_the_guide() -> None:
    assert orders_table() in _GUIDE


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_fields_examples_are_filters(name: str) -> None:
    assert parse(FIELDS[name].example) != Filter()
