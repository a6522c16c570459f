"""A work item as a file: what is written reads back, and two changes become one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.cli.item_files import FIELDS, InvalidFile, differing, read, together, written

_EMPTY = {**dict.fromkeys(FIELDS, ""), "description": ""}
_BASE = {
    **_EMPTY,
    "title": "Sluice",
    "labels": "a, b",
    "points": "3",
    "description": "one\ntwo\nthree",
}
# A field is one line; a line that looks like ours is no part of these.
_line = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=8)


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, _line)), st.lists(_line).map("\n".join))
def test_read_gives_back_what_was_written(fields: dict[str, str], description: str) -> None:
    values = {**fields, "description": description}

    assert read(written(values, ["TM-1, version 2"])) == values


def test_differing_names_what_was_changed() -> None:
    changed = written(_BASE, []).replace("points: 3", "points: 5").replace("two", "2")

    assert differing(_BASE, read(changed)) == {"points": "5", "description": "one\n2\nthree"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("---\ntitle", "title", "Line 1: The file begins with a line of ---."),
        ("points: 3", "pionts: 3", "Line 7: A field is one of title, status"),
        ("points: 3", "points: 3\npoints: 4", "Line 8: points is said twice"),
        ("points: 3\n", "", "Line 12: Leave points there; an empty value clears it."),
        ("two", "<<<<<<< yours\ntwo", "Line 16: Choose one of both"),
    ],
)
def test_read_names_the_line_that_is_wrong(old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        read(written(_BASE, []).replace(old, new))

    assert str(caught.value).startswith(message)


def test_together_merges_fields_labels_and_lines_one_by_one() -> None:
    mine = {**_BASE, "title": "Gate", "labels": "a, b, c", "description": "ONE\ntwo\nthree"}
    theirs = {**_BASE, "points": "5", "labels": "b", "description": "one\ntwo\nTHREE"}

    both = together(_BASE, mine, theirs, "version 2")

    assert both.overlapping == ()
    assert both.values == {
        **_BASE,
        "title": "Gate",
        "points": "5",
        "labels": "b, c",
        "description": "ONE\ntwo\nTHREE",
    }


def test_together_marks_both_values_of_what_overlaps() -> None:
    mine = {**_BASE, "title": "Gate", "description": "one\nmine\nthree"}
    theirs = {**_BASE, "title": "Lock", "description": "one\ntheirs\nthree"}

    both = together(_BASE, mine, theirs, "version 2")
    file = written(both.values, [], both, "version 2")

    assert both.overlapping == ("title", "description")
    assert ("<<<<<<< yours\ntitle: Gate\n=======\ntitle: Lock\n>>>>>>> theirs, version 2\n") in file
    assert "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> theirs, version 2\n" in file
    with pytest.raises(InvalidFile):
        read(file)
