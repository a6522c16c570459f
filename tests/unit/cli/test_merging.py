"""Two changes of one text become one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.cli.merging import is_mark, merged

_texts = st.lists(st.sampled_from("abc"), max_size=6).map("\n".join)


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "both"),
    [
        ("a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"),
        ("a\nb", "a\nnew\nb", "a\nb\nend", "a\nnew\nb\nend"),
        ("a\nb\nc", "a\nc", "a\nb\nc\nd", "a\nc\nd"),
        ("a", "b", "b", "b"),
        ("", "x", "", "x"),
    ],
)
def test_merged_keeps_both_changes(base: str, mine: str, theirs: str, both: str) -> None:
    assert merged(base, mine, theirs, "version 2") == (both, False)


def test_merged_shows_both_where_they_overlap() -> None:
    text, overlaps = merged("a\nb\nc", "a\nmine\nc", "a\ntheirs\nc", "version 2")

    assert overlaps
    assert text.split("\n") == [
        "a", "<<<<<<< yours", "mine", "=======", "theirs", ">>>>>>> theirs, version 2", "c",
    ]  # fmt: skip
    assert [is_mark(line) for line in text.split("\n")].count(True) == 2


@given(_texts, _texts)
def test_merged_with_who_changed_nothing_is_the_other(base: str, other: str) -> None:
    assert merged(base, base, other, "") == (other, False)
    assert merged(base, other, base, "") == (other, False)
    assert merged(base, other, other, "") == (other, False)


@given(_texts, _texts, _texts)
def test_merged_loses_no_line_that_somebody_added(base: str, mine: str, theirs: str) -> None:
    text, _ = merged(base, mine, theirs, "version 2")

    added = (set(mine.split("\n")) | set(theirs.split("\n"))) - set(base.split("\n"))
    assert added <= set(text.split("\n"))
