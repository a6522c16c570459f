"""Rules for texts and references that people type."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from tidemill.board.errors import InvalidReference, InvalidText

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PROJECT_KEY: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}")
_ITEM_KEY: Final = re.compile(r"([A-Z][A-Z0-9]{0,9})-([1-9][0-9]{0,14})")
# What neither people can see nor every database can keep.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def is_uuid(text: str) -> bool:
    """Return whether `text` is a UUID in lower case."""
    return _UUID.fullmatch(text) is not None


def is_printed(text: str) -> bool:
    """Return whether every database can keep `text`, and people see it."""
    return _CONTROL.search(text) is None


def is_project_key(text: str) -> bool:
    """Return whether `text` can be a project's key."""
    return _PROJECT_KEY.fullmatch(text) is not None


def item_key(text: str) -> tuple[str, int] | None:
    """Return project key and number of an item's key such as `TM-12`, in any case, or None."""
    match = _ITEM_KEY.fullmatch(text.upper())
    return (match[1], int(match[2])) if match else None


def uuid_parameter(text: str, param: str) -> str:
    """Return the UUID `text` in lower case; raises `InvalidReference`."""
    lowered = text.lower()
    if not is_uuid(lowered):
        raise InvalidReference(param, "a UUID")
    return lowered


def single_line(text: str, *, param: str, chars_max: int) -> str:
    """Return `text` on one line without surplus blanks; raises `InvalidText`."""
    _refuse_control_characters(text, param)
    joined = " ".join(text.split())
    if not joined:
        raise InvalidText(param, "it needs at least one visible character.")
    if len(joined) > chars_max:
        raise InvalidText(param, f"it has {len(joined)} characters; {chars_max} are the limit.")
    return joined


def name_key(name: str) -> str:
    """Return what names that people take for one have in common."""
    return unicodedata.normalize("NFKC", name).casefold()


def many_lines(text: str | None, *, param: str, chars_max: int) -> str | None:
    """Return `text` with plain line ends, or None when it is empty; raises `InvalidText`."""
    if text is None:
        return None
    _refuse_control_characters(text, param)
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(plain) > chars_max:
        raise InvalidText(param, f"it has {len(plain)} characters; {chars_max} are the limit.")
    return plain or None


def _refuse_control_characters(text: str, param: str) -> None:
    match = _CONTROL.search(text)
    if match:
        code = f"U+{ord(match[0]):04X}"
        raise InvalidText(param, f"remove the control character {code} at {match.start() + 1}.")
