"""Shows texts that people wrote to a model: as data, on one line, of a bounded length."""

from __future__ import annotations

import unicodedata
from typing import Final

import msgspec

# What is cut off is not looked at: a text may be much longer than what is shown of it.
_looked_at_per_char: Final = 4
# Letters, marks and signs by their category, of which fonts show nothing: joiners, blanks that fill
# a place, and variation selectors, of which a row spells any text.
_BLANK: Final = frozenset(
    map(
        chr,
        (
            *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


def plain(text: str, *, chars_max: int) -> str:
    """Return `text` on one line of at most `chars_max` characters, with `…` where it goes on.

    Characters that nobody sees are left out, since they could tell a model what no person reads;
    backticks and tildes become others, so that no text ends the block that it stands in.
    """
    looked_at = text[: chars_max * _looked_at_per_char]
    seen = "".join(
        " " if character.isspace() else character
        for character in looked_at
        if character.isspace()
        or not (character in _BLANK or unicodedata.category(character).startswith("C"))
    )
    words = " ".join(seen.split()).replace("`", "'").replace("~", "-")
    if len(words) <= chars_max and len(looked_at) == len(text):
        return words
    return words[: chars_max - 1].rstrip() + "…"


def quoted(text: str, *, chars_max: int) -> str:
    """Return what `plain` does in quotation marks, as JSON has them."""
    return msgspec.json.encode(plain(text, chars_max=chars_max)).decode()
