"""Which words stand in a text, and when two are the same."""

from __future__ import annotations

import unicodedata


def words_of(text: str) -> list[str]:
    """Return the words of `text` as they are written: runs of letters and digits."""
    words: list[str] = []
    current: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if character.isalnum() or (current and unicodedata.combining(character)):
            current.append(character)
        elif current:
            words.append("".join(current))
            current = []
    if current:
        words.append("".join(current))
    return words


def folded(word: str) -> str:
    """Return `word` without case and accents, so that `Ärger` is `arger`."""
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()


def stands_in(text: str, words: tuple[str, ...], *, is_prefix: bool) -> bool:
    """Return whether `words` stand in `text` one behind the other."""
    there = [folded(word) for word in words_of(text)]
    wanted = [folded(word) for word in words]
    length = len(wanted)
    for start in range(len(there) - length + 1):
        *first, last = there[start : start + length]
        same = last.startswith(wanted[-1]) if is_prefix else last == wanted[-1]
        if same and first == wanted[:-1]:
            return True
    return False
