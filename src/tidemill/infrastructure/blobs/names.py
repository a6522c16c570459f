"""The names of blobs, and which of them are ours."""

from __future__ import annotations

import re
from typing import Final

INCOMING: Final = "incoming"
_ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEPT: Final = re.compile(rf"([0-9a-f]{{2}})/\1[0-9a-f]{{62}}\.{_ID}")
_UNFINISHED: Final = re.compile(rf"{INCOMING}/{_ID}")


def name_of(sha256: str, id_: str) -> str:
    """Return the name of bytes with this digest; the id makes it one that nobody else has."""
    return f"{sha256[:2]}/{sha256}.{id_}"


def is_ours(name: str) -> bool:
    """Return whether `name` is that of bytes that were kept, or were on their way in."""
    return bool(_KEPT.fullmatch(name) or _UNFINISHED.fullmatch(name))


def checked(name: str) -> str:
    """Return `name`; raises `ValueError` for what could lead out of its directory."""
    if not is_ours(name):
        raise ValueError(name)
    return name
