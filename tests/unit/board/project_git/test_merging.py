"""Merging: no change of either side is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.project_git.merging import Clash, Side, merged

_VALUES = st.dictionaries(st.sampled_from(["title", "status", "points", "fields.x"]),
                          st.sampled_from(["a", "b", "c"]))  # fmt: skip


@given(_VALUES, _VALUES, _VALUES)
def test_merged_loses_no_change_of_either_side(
    base: dict[str, str], board: dict[str, str], file: dict[str, str]
) -> None:
    made = merged(base, board, file)
    after = {name: value for name, value in {**board, **made.to_board}.items() if value}
    clashing = {clash.field for clash in made.clashes}

    for field in {*base, *board, *file}:
        old, ours, theirs = (each.get(field, "") for each in (base, board, file))
        if field in clashing:
            assert old not in (ours, theirs)
            assert (after.get(field, ""), made.file.get(field, "")) == (ours, theirs)
            assert made.pushed.get(field, "") == old
            continue
        wanted = theirs if theirs != old else ours
        assert after.get(field, "") == made.file.get(field, "") == wanted
    # The next time, with what was pushed, nothing happens but that the same fields clash.
    again = merged(made.pushed, after, made.file)
    assert (again.to_board, again.file, again.clashes) == ({}, made.file, made.clashes)
    # And a break ahead of the push loses nothing either.
    broken = merged(made.base, after, file)
    assert (broken.to_board, broken.file, broken.clashes) == ({}, made.file, made.clashes)


@given(_VALUES, _VALUES, _VALUES, st.sampled_from(Side))
def test_merged_takes_the_side_that_somebody_chose(
    base: dict[str, str], board: dict[str, str], file: dict[str, str], side: Side
) -> None:
    clashes = merged(base, board, file).clashes

    made = merged(base, board, file, lambda _: side)

    assert made.clashes == ()
    for clash in clashes:
        chosen = clash.board if side is Side.BOARD else clash.repository
        assert made.file.get(clash.field, "") == chosen
        after = {**board, **made.to_board}
        broken = merged(made.base, after, file)
        assert broken.file.get(clash.field, "") == chosen, "a break loses the choice"


def test_merged_joins_labels_one_by_one() -> None:
    made = merged({"labels": "a, b"}, {"labels": "b, c"}, {"labels": "a, b, d"})

    assert (made.to_board, made.clashes) == ({"labels": "b, c, d"}, ())
    assert made.file == {"labels": "b, c, d"}


def test_refused_lets_the_file_stay_ahead() -> None:
    base, board, file = {"title": "a", "points": "1"}, {"title": "a", "points": "2"}, {
        "title": "b", "points": "1",
    }  # fmt: skip

    made = merged(base, board, file).refused(base)

    assert made.file == {"title": "b", "points": "2"}
    assert made.pushed == {"title": "a", "points": "2"}
    assert merged(made.pushed, board, made.file).to_board == {"title": "b"}


def test_merged_tells_both_values() -> None:
    made = merged({"title": "a"}, {"title": "b"}, {"title": "c"})

    assert made.clashes == (Clash(field="title", base="a", board="b", repository="c"),)
