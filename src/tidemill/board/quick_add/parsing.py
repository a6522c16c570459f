"""Reads lines of quick add; each character is looked at once."""

from __future__ import annotations

import re
from typing import Final

from tidemill.board.filters.models import Word
from tidemill.board.quick_add.days import NEXT_UNITS
from tidemill.board.quick_add.models import DAYS, MANY, SIGNS, WORDS, Draft, Mark, Marked, chars_max
from tidemill.board.quick_add_errors import InvalidQuickText
from tidemill.board.texts import is_printed

ESCAPABLE: Final = '\\"#@!^~>:'
"""What a backslash takes the meaning of; before anything else it is a character as others are."""

_ESCAPED: Final = re.compile(rf"\\([{re.escape(ESCAPABLE)}])")
# A sign alone, or before another sign, is a part of the title, as in `a > b`, `->` and `!!`.
_SIGN: Final = re.compile(r'[#@!^~>](?=["\w])')
_SIGNED_DAY: Final = re.compile(r"\^(?=[+-]\d)")
_HEAD: Final = re.compile(rf"({'|'.join(WORDS)}):", re.IGNORECASE | re.ASCII)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE: Final = re.compile(r"(?:\\\S|[^\s\\]|\\(?=\s|\Z))+")
_BLANKS: Final = re.compile(r"\s+")
_NEXT_UNIT: Final = re.compile(
    rf"[ \t]+({'|'.join(sorted(NEXT_UNITS, key=len, reverse=True))})(?!\S)",
    re.IGNORECASE | re.ASCII,
)


def parse(text: str) -> Draft:
    """Return what `text` says; raises `InvalidQuickText`."""
    if len(text) > chars_max:
        problem = f"The line has {len(text)} characters; {chars_max} are the limit."
        raise InvalidQuickText(chars_max + 1, problem)
    for column, character in enumerate(text, 1):
        if not is_printed(character):
            raise InvalidQuickText(column, f"Remove the character U+{ord(character):04X}.")
    return _Parser(text).draft()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def draft(self) -> Draft:
        words: list[str] = []
        marks: list[Marked] = []
        seen: set[Mark] = set()
        while self._skip_blanks():
            at = self._at + 1
            mark = self._mark()
            if mark is None:
                words.append(self._title_word())
                continue
            if mark in seen and mark not in MANY:
                raise InvalidQuickText(at, f"The {mark} is said twice; remove one.")
            seen.add(mark)
            marks.append(Marked(mark, self._value(mark)))
        return Draft(title=" ".join(" ".join(words).split()), marks=tuple(marks))

    def _skip_blanks(self) -> bool:
        """Go to the next word; return False at the end."""
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at < len(self._text)

    def _mark(self) -> Mark | None:
        sign = _SIGN.match(self._text, self._at) or _SIGNED_DAY.match(self._text, self._at)
        if sign is not None:
            self._at = sign.end()
            return SIGNS[sign[0]]
        head = _HEAD.match(self._text, self._at)
        if head is None:
            return None
        self._at = head.end()
        return WORDS[head[1].lower()]

    def _value(self, mark: Mark) -> Word:
        at = self._at + 1
        if self._text.startswith('"', self._at):
            text = self._quotation()
            if self._at < len(self._text) and not self._text[self._at].isspace():
                raise InvalidQuickText(self._at + 1, "Leave a blank behind the quotation mark.")
            if not text.strip():
                raise InvalidQuickText(at, f"There is nothing between the quotes of {mark}.")
            return Word(text, True, at)
        match = _BARE.match(self._text, self._at)
        if match is None:
            raise InvalidQuickText(
                at, f'{mark}: needs a value right behind it. Write "{mark}:" to have it as words.'
            )
        self._at = match.end()
        text = _unescaped(match[0])
        if mark in DAYS and text.lower() == "next":
            text += self._unit()
        return Word(text, at=at)

    def _unit(self) -> str:
        """Return what stands behind `next`, with the blank between them."""
        match = _NEXT_UNIT.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return f" {match[1]}"

    def _title_word(self) -> str:
        quoted = self._quotation() if self._text.startswith('"', self._at) else ""
        match = _BARE.match(self._text, self._at)
        if match is None:
            return quoted
        self._at = match.end()
        return quoted + _unescaped(match[0])

    def _quotation(self) -> str:
        match = _QUOTED.match(self._text, self._at)
        if match is None:
            raise InvalidQuickText(
                self._at + 1, 'This quotation mark is never closed. Write \\" to have it as it is.'
            )
        self._at = match.end()
        return _unescaped(match[1])


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
