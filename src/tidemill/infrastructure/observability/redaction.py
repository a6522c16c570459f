"""Keeps secrets out of log lines, and log lines from being forged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Final, cast

text_length_max: Final = 16 * 1024
depth_max: Final = 6
items_max: Final = 100
_short: Final = 100

REDACTED: Final = "[redacted]"
# JSON readers agree on no larger ones.
_INTEGER_MAX: Final = 2**53 - 1

_SECRET_KEY: Final = re.compile(
    r"(?:^|[_.-])(?:password|passwd|passphrase|secrets?|authorization|cookies?|api[_-]?key|"
    r"token|ticket|csrf|jwt|private[_-]?key|signing[_-]?key|chain[_-]?key|"
    r"master[_-]?key(?:_previous)?|credentials?|dsn)$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = re.compile(
    r"tm[a-z]_[A-Za-z0-9_.-]{12,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|(?<=[Bb]earer )[^\s\"',;]{8,}"
    r"|(?<=[Bb]asic )[A-Za-z0-9+/=]{8,}"
    r"|(?<=ticket=)[^\s&\"']+"
    r"|(?<=://)(?P<user>[^\s/@:]*):[^\s@/]+(?=@)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
# Ids come in endless numbers: kept, they would push out what comes again.
_HARMLESS: Final = re.compile("[0-9a-f-]+")
# What a terminal, a pager or a line-based reader takes for more than text: control characters,
# the line separators of Unicode, and marks that turn the direction of text.
_CONTROL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff]"
)


def clean(value: object, depth: int = 0) -> object:
    """Return `value` as it may be logged: plain data, bounded, harmless, without secrets."""
    if type(value) is str:
        return _clean_short_text(value) if len(value) <= _short else clean_text(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) <= _INTEGER_MAX:
        return int(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_container(value, depth)
    return clean_text(value if isinstance(value, str) else _described(value))


def _clean_container(value: Mapping[object, object] | Iterable[object], depth: int) -> object:
    if depth >= depth_max:
        return "…"
    items = islice(value.items() if isinstance(value, Mapping) else value, items_max)
    if isinstance(value, Mapping):
        pairs = cast("Iterable[tuple[object, object]]", items)
        return {clean_text(str(key)): clean_field(str(key), item, depth + 1) for key, item in pairs}
    return [clean(item, depth + 1) for item in items]


def clean_field(key: str, value: object, depth: int = 0) -> object:
    """Return the value of a field as it may be logged; `key` may tell that it is a secret."""
    if type(value) is str and len(value) <= _short:
        if _HARMLESS.fullmatch(value) and not _is_secret(key):
            return value
        return _clean_short_field(key, value)
    if value and _is_secret(key):
        return REDACTED
    return clean(value, depth)


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


@lru_cache(maxsize=4096)
def _clean_short_field(key: str, text: str) -> str:
    return REDACTED if text and _is_secret(key) else clean_text(text)


@lru_cache(maxsize=4096)
def _clean_short_text(text: str) -> str:
    # Most fields are routes, ids and names that come again with the next line.
    return clean_text(text)


def clean_text(text: str) -> str:
    """Return `text` without secrets, control characters and excess."""
    if len(text) > text_length_max:
        text = f"{text[:text_length_max]}… ({len(text) - text_length_max} more characters)"
    text = _SECRET_TEXT.sub(_hidden, text)
    return _CONTROL.sub(_escaped, text)


def one_line(text: str) -> str:
    """Return `text` so that it fills one line, for the format that people read."""
    return text.replace("\n", "\\n").replace("\t", "\\t")


def _hidden(match: re.Match[str]) -> str:
    user = match["user"]
    return REDACTED if user is None else f"{user}:{REDACTED}"


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def _described(value: object) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a value that cannot be shown must not break the caller
        return f"<{type(value).__name__}>"
