"""Which passwords are accepted: long enough, not common, not made of what is known of the owner.

Nothing is said about kinds of characters, and nothing expires.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from tidemill.identity.errors import WeakPassword
from tidemill.identity.passwords.common import is_common

length_max: Final = 128
_context_length_min: Final = 3
_own_letters_min: Final = 5
_distinct_min: Final = 4
_LEET: Final = str.maketrans("013457@$!", "oleasta" + "si")
_EDGES: Final = re.compile(r"^[^a-z]+|[^a-z]+$")
_RUNS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiopasdfghjklzxcvbnm")


def normal(password: str) -> str:
    """Return `password` as it is hashed: the same for every keyboard that can type it."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, *, length_min: int, context: Iterable[str] = ()) -> str:
    """Return the normal form of an acceptable password; raises `WeakPassword`.

    `context` is what everybody knows of its owner: address, name, the tenant's name.
    """
    text = normal(password)
    if len(text) < length_min:
        raise WeakPassword(f"it has fewer than {length_min} characters")
    if len(text) > length_max:
        raise WeakPassword(f"it has more than {length_max} characters")
    folded = text.casefold()
    if len(set(folded)) < _distinct_min or _is_run(folded):
        raise WeakPassword("it repeats or counts a few characters")
    if _is_common(folded):
        raise WeakPassword("it is one of those that everybody tries first")
    if _is_known(folded, context):
        raise WeakPassword("it is little more than your name, address or tenant")
    return text


def _is_run(folded: str) -> bool:
    for run in _RUNS:
        for line in (run * 3, run[::-1] * 3):
            if folded in line:
                return True
    half = len(folded) // 2
    return len(folded) % 2 == 0 and folded[:half] == folded[half:] and len(set(folded)) < 6


def _is_common(folded: str) -> bool:
    candidates = {folded, folded.translate(_LEET)}
    candidates |= {_EDGES.sub("", text) for text in list(candidates)}
    candidates |= {folded.rstrip("0123456789!.?*#_-")}
    return is_common(candidates)


def _is_known(folded: str, context: Iterable[str]) -> bool:
    """Return whether little is left of the password without the words of its context."""
    words = {word for phrase in context for word in re.split(r"[^\w]+", phrase.casefold())}
    left = folded
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _context_length_min:
            left = left.replace(word, "")
    letters = sum(char.isalnum() for char in left)
    return left != folded and letters < _own_letters_min
