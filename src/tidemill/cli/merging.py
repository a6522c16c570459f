"""Merges what two people made of one text, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

MINE: Final = "<<<<<<< yours"
BETWEEN: Final = "======="
THEIRS: Final = ">>>>>>> theirs, "
"""Behind it stands whose the lines above it are."""

_Lines = Sequence[str]


def merged(base: str, mine: str, theirs: str, whose: str) -> tuple[str, bool]:
    """Return what `mine` and `theirs` make of `base`, and whether both changed the same lines.

    Where they did, both stand there between marks; `whose` names the second.
    """
    lines: list[str] = []
    overlaps = False
    for kept, one, other in _parts(base.split("\n"), mine.split("\n"), theirs.split("\n")):
        chosen = chosen_of(kept, one, other)
        overlaps = overlaps or chosen is None
        lines += marked(one, other, whose) if chosen is None else chosen
    return "\n".join(lines), overlaps


def chosen_of(base: _Lines, mine: _Lines, theirs: _Lines) -> _Lines | None:
    """Return what counts where one side alone changed, or both the same; None where they differ."""
    if mine in (base, theirs):
        return theirs
    return mine if theirs == base else None


def marked(mine: _Lines, theirs: _Lines, whose: str) -> list[str]:
    """Return the lines of both, each between its marks."""
    return [MINE, *mine, BETWEEN, *theirs, f"{THEIRS}{whose}"]


def is_mark(line: str) -> bool:
    """Return whether somebody has still to choose where this line stands.

    The line between both is no sign of it: in Markdown it makes a heading.
    """
    return line == MINE or line.startswith(THEIRS)


def _parts(base: _Lines, mine: _Lines, theirs: _Lines) -> Iterator[tuple[_Lines, _Lines, _Lines]]:
    """Yield the three texts part by part; every other part is the same in all of them."""
    at_base = at_mine = at_theirs = 0
    for start, end, in_mine, in_theirs in _common(base, mine, theirs):
        yield base[at_base:start], mine[at_mine:in_mine], theirs[at_theirs:in_theirs]
        yield (same := base[start:end]), same, same
        at_base, at_mine, at_theirs = end, in_mine + end - start, in_theirs + end - start


def _common(base: _Lines, mine: _Lines, theirs: _Lines) -> list[tuple[int, int, int, int]]:
    """Return where lines of `base` stand in both others, too: from, to, and where there."""
    ones, others = _blocks(base, mine), _blocks(base, theirs)
    found: list[tuple[int, int, int, int]] = []
    while ones and others:
        one, other = ones[0], others[0]
        start = max(one[0], other[0])
        end = min(one[0] + one[2], other[0] + other[2])
        if start < end:
            found.append((start, end, one[1] + start - one[0], other[1] + start - other[0]))
        (ones if one[0] + one[2] < other[0] + other[2] else others).pop(0)
    return [*found, (len(base), len(base), len(mine), len(theirs))]


def _blocks(base: _Lines, other: _Lines) -> list[tuple[int, int, int]]:
    matcher = SequenceMatcher(None, base, other, autojunk=False)
    return [(block.a, block.b, block.size) for block in matcher.get_matching_blocks()]
