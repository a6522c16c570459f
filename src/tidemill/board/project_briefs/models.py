"""Fits the entries of a brief into a budget of tokens; whole entries, what matters first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tidemill.board.contract import ProjectId

budget_tokens_min: Final = 800
budget_tokens_default: Final = 4_000
budget_tokens_max: Final = 32_000
bytes_per_token: Final = 3
"""Tokenizers of models differ; English has about four bytes a token, keys and dates have fewer."""

_FENCE: Final = "~~~"
_left_out_digits_max: Final = 10


class Section(Struct, frozen=True, kw_only=True):
    """Entries of one kind, each a line, what matters most first.

    `total` counts also those that are not among `entries`.
    """

    name: str
    heading: str
    entries: tuple[str, ...]
    total: int


class SectionCount(Struct, frozen=True, kw_only=True):
    """How many entries of a section a brief tells, and how many it leaves out."""

    name: str
    told: int
    left_out: int


class Brief(Struct, frozen=True, kw_only=True):
    """A text about a project that is never longer than its budget, as `estimate` counts."""

    project_id: ProjectId
    project_key: str
    version: int
    budget_tokens: int
    estimated_tokens: int
    text: str
    sections: tuple[SectionCount, ...]


def estimate(text: str) -> int:
    """Return how many tokens `text` may have: one for three bytes of UTF-8, rounded up."""
    return -(-_size(text) // bytes_per_token)


def fitted(
    head: str, sections: Sequence[Section], *, budget_tokens: int
) -> tuple[str, tuple[SectionCount, ...]]:
    """Return the text of a brief, and what it tells of each section.

    A section takes at most half of what is left, so that a long one hides none behind it; what the
    others leave over goes to the first that has more. Raises `ValueError` when `head` does not fit.
    """
    told = [section for section in sections if section.total]
    rest = budget_tokens * bytes_per_token - _size(head) - sum(map(_frame_size, told))
    if rest < 0:
        raise ValueError("The head of a brief is longer than the least budget.")
    counts = [0] * len(told)
    for share in (2, 1):
        for place, section in enumerate(told):
            room = rest // share
            taken, used = _taken(section.entries[counts[place] :], room)
            counts[place] += taken
            rest -= used
    lines = [head, *(_shown(one, count) for one, count in zip(told, counts, strict=True))]
    summary = (
        SectionCount(name=one.name, told=count, left_out=one.total - count)
        for one, count in zip(told, counts, strict=True)
    )
    return "".join(lines), tuple(summary)


def _taken(entries: Sequence[str], room: int) -> tuple[int, int]:
    """Return how many of the first entries fit into `room` bytes, and how many bytes they take."""
    used = 0
    for place, entry in enumerate(entries):
        size = _size(entry) + 1
        if used + size > room:
            return place, used
        used += size
    return len(entries), used


def _frame_size(section: Section) -> int:
    fences = 2 * (len(_FENCE) + 1)
    return _size(_heading(section)) + fences + len(_left_out(10**_left_out_digits_max))


def _shown(section: Section, count: int) -> str:
    lines = "".join(f"{entry}\n" for entry in section.entries[:count])
    fenced = f"{_FENCE}\n{lines}{_FENCE}\n" if count else ""
    left_out = section.total - count
    return _heading(section) + fenced + (_left_out(left_out) if left_out else "")


def _heading(section: Section) -> str:
    return f"\n## {section.heading}\n"


def _left_out(count: int) -> str:
    return f"(left out: {count})\n"


def _size(text: str) -> int:
    return len(text.encode())
