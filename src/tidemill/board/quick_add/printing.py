"""Writes lines of quick add as people would: parsing the text again gives the same."""

from __future__ import annotations

import re
from typing import Final

from tidemill.board.quick_add.models import DAYS, SIGNS, WORDS, Draft, Mark, Marked

_SIGN_OF: Final = {mark: sign for sign, mark in SIGNS.items()}
_HEAD: Final = re.compile(rf"({'|'.join(WORDS)}):", re.IGNORECASE | re.ASCII)
_SIGNABLE: Final = re.compile(r"\w")
_SIGNED_DAY: Final = re.compile(r"[+-]\d")


def printed(draft: Draft) -> str:
    """Return the line of a draft."""
    return " ".join([*map(_title_word, draft.title.split()), *map(_marked, draft.marks)])


def _title_word(word: str) -> str:
    escaped = _escaped(word)
    if escaped[0] in SIGNS:
        return f"\\{escaped}"
    return escaped.replace(":", "\\:", 1) if _HEAD.match(escaped) else escaped


def _marked(marked: Marked) -> str:
    mark, word = marked.mark, marked.word
    if word.is_quoted:
        return f'{_SIGN_OF.get(mark) or f"{mark}:"}"{_escaped(word.text)}"'
    if mark in DAYS and " " in word.text:  # `next week` is one value of two words.
        return f"{_SIGN_OF.get(mark) or f'{mark}:'}{word.text}"
    return f"{_head(mark, word.text)}{_escaped(word.text)}"


def _head(mark: Mark, text: str) -> str:
    sign = _SIGN_OF.get(mark)
    if sign is not None and (
        _SIGNABLE.match(text) or (mark is Mark.DUE and _SIGNED_DAY.match(text))
    ):
        return sign
    return f"{mark}:"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
