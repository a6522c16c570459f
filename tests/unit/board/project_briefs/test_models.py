from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.project_briefs.models import (
    Section,
    bytes_per_token,
    estimate,
    fitted,
)

_entries = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=60), max_size=40
)


def _section(name: str, entries: list[str], beyond: int = 0) -> Section:
    return Section(
        name=name, heading=name.title(), entries=tuple(entries), total=len(entries) + beyond
    )


@given(
    st.lists(st.tuples(_entries, st.integers(min_value=0, max_value=10**6)), max_size=7),
    st.integers(min_value=200, max_value=3_000),
)
def test_fitted_is_never_over_its_budget_and_counts_all(
    parts: list[tuple[list[str], int]], budget: int
) -> None:
    sections = [
        _section(f"part{place}", [f"- {entry}" for entry in entries], beyond)
        for place, (entries, beyond) in enumerate(parts)
    ]

    text, counts = fitted("# Head\n", sections, budget_tokens=budget)

    assert estimate(text) <= budget
    by_name = {section.name: section for section in sections}
    for count in counts:
        section = by_name.pop(count.name)
        assert count.told + count.left_out == section.total
        assert all(f"{entry}\n" in text for entry in section.entries[: count.told])
    assert all(section.total == 0 for section in by_name.values())
    assert fitted("# Head\n", sections, budget_tokens=budget) == (text, counts)


def test_fitted_lets_a_long_section_hide_no_other_one() -> None:
    long = _section("long", [f"- entry {place:04}" for place in range(500)])
    short = _section("short", ["- what matters less"])

    text, (first, second) = fitted("# Head\n", [long, short], budget_tokens=200)

    assert (second.told, second.left_out) == (1, 0)
    assert 0 < first.told < 500
    assert f"(left out: {first.left_out})" in text
    left = 200 * bytes_per_token - len(text.encode())
    assert left < 2 * len("- entry 0000\n") + 20, "what others leave over goes to the first"


def test_fitted_tells_entries_of_a_section_in_their_order_and_whole() -> None:
    entries = ["- " + "a" * 30, "- " + "b" * 2_000, "- c"]

    text, (count,) = fitted("# Head\n", [_section("part", entries)], budget_tokens=200)

    assert (count.told, count.left_out) == (1, 2), "nothing overtakes what matters more"
    assert re.findall(r"^- .*$", text, re.MULTILINE) == entries[:1]


def test_fitted_refuses_a_head_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="head"):
        fitted("x" * 700, [], budget_tokens=200)


def test_estimate_counts_bytes_not_characters() -> None:
    assert [estimate(text) for text in ("", "a", "abc", "abcd", "潮汐")] == [0, 1, 1, 2, 2]
