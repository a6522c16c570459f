"""Ranks: texts whose order is that of items, with room for another one between any two.

A rank is an integer part, whose first letter says how many digits it has, and a fraction that
does not end with `0`; digits are base 62 in the order of their bytes. So a rank at the end or at
the start is the next integer and grows with the logarithm of their number, and only insertions
into one gap make a fraction longer. The scheme is that of "Implementing Fractional Indexing" by
David Greenspan (Observable, 2020), as the `fractional-indexing` packages have it.
"""

from __future__ import annotations

from typing import Final

DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FIRST: Final = "a0"
"""The rank of the first item of a project."""

LENGTH_MAX: Final = 48
"""Bytes above which the ranks around an item are made anew."""

_BASE: Final = len(DIGITS)
_VALUES: Final = {digit: value for value, digit in enumerate(DIGITS)}
_SMALLEST: Final = "A" + "0" * 26


class InvalidRank(ValueError):
    """A text that is no rank, or two of them in the wrong order."""


def between(before: str | None, after: str | None) -> str:
    """Return a rank after `before` and before `after`; None is the start and the end.

    Raises `InvalidRank`.
    """
    if before is not None and after is not None and before >= after:
        raise InvalidRank(f"{before} is not before {after}.")
    if before is None and after is None:
        return FIRST
    if before is None:
        return _ahead_of(after or "")
    if after is None:
        return _behind(before)
    low, low_fraction = _split(before)
    high, high_fraction = _split(after)
    if low == high:
        return low + _middle(low_fraction, high_fraction)
    following = _incremented(low)
    if following is not None and following < after:
        return following
    return low + _middle(low_fraction, None)


def spread(before: str | None, after: str | None, count: int) -> list[str]:
    """Return `count` ranks in order between two, as short as halving makes them."""
    if count == 0:
        return []
    if after is None or before is None:
        return _in_a_row(before, after, count)
    middle = between(before, after)
    half = count // 2
    return [
        *spread(before, middle, half),
        middle,
        *spread(middle, after, count - half - 1),
    ]


def _in_a_row(before: str | None, after: str | None, count: int) -> list[str]:
    ranks: list[str] = []
    for _ in range(count):
        if after is None:
            before = between(before, None)
            ranks.append(before)
        else:
            after = between(None, after)
            ranks.insert(0, after)
    return ranks


def _ahead_of(after: str) -> str:
    integer, fraction = _split(after)
    if integer == _SMALLEST:
        return integer + _middle("", fraction)
    if fraction:
        return integer
    lower = _decremented(integer)
    # The smallest integer has no rank of its own: nothing could come before it.
    return lower + _middle("", None) if lower == _SMALLEST else lower


def _behind(before: str) -> str:
    integer, fraction = _split(before)
    return _incremented(integer) or integer + _middle(fraction, None)


def _split(rank: str) -> tuple[str, str]:
    """Return integer and fraction; raises `InvalidRank`."""
    length = _integer_length(rank)
    integer, fraction = rank[:length], rank[length:]
    known = all(digit in _VALUES for digit in rank[1:])
    if len(integer) < length or not known or fraction.endswith("0") or rank == _SMALLEST:
        raise InvalidRank(f"{rank!r} is not a rank.")
    return integer, fraction


def _integer_length(rank: str) -> int:
    head = rank[:1]
    if "a" <= head <= "z":
        return ord(head) - ord("a") + 2
    if "A" <= head <= "Z":
        return ord("Z") - ord(head) + 2
    raise InvalidRank(f"{rank!r} is not a rank.")


def _middle(low: str, high: str | None) -> str:
    """Return the fraction halfway between two; None is one more than the largest."""
    shared = 0
    if high is not None:
        while shared < len(high) and (low[shared : shared + 1] or "0") == high[shared]:
            shared += 1
    if shared and high is not None:
        return high[:shared] + _middle(low[shared:], high[shared:])
    first = _VALUES[low[0]] if low else 0
    last = _VALUES[high[0]] if high else _BASE
    if last - first > 1:
        return DIGITS[(first + last + 1) // 2]
    if high is not None and len(high) > 1:
        return high[0]
    return DIGITS[first] + _middle(low[1:], None)


def _incremented(integer: str) -> str | None:
    """Return the next integer, or None for the largest."""
    head, digits = integer[0], list(integer[1:])
    for place in reversed(range(len(digits))):
        value = _VALUES[digits[place]] + 1
        if value < _BASE:
            digits[place] = DIGITS[value]
            return head + "".join(digits)
        digits[place] = DIGITS[0]
    if head == "z":
        return None
    if head == "Z":
        return FIRST
    following = chr(ord(head) + 1)
    longer = [*digits, DIGITS[0]] if following > "a" else digits[:-1]
    return following + "".join(longer)


def _decremented(integer: str) -> str:
    """Return the integer before; only for one that is not the smallest."""
    head, digits = integer[0], list(integer[1:])
    for place in reversed(range(len(digits))):
        value = _VALUES[digits[place]] - 1
        if value >= 0:
            digits[place] = DIGITS[value]
            return head + "".join(digits)
        digits[place] = DIGITS[-1]
    if head == "a":
        return "Z" + DIGITS[-1]
    previous = chr(ord(head) - 1)
    longer = [*digits, DIGITS[-1]] if previous < "Z" else digits[:-1]
    return previous + "".join(longer)
