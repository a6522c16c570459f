"""No key is a dead switch: something reads each, and live ones are read while Tidemill runs."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from tests.architecture.sources import SRC
from tidemill.core.config import KEYS, Key

# Keys that are accepted already and that nothing reads yet, each with what will.
WAITING: Final[dict[str, str]] = {}
# Live keys that are read at start only, so that a change has no effect yet; with the reader.
NOT_YET_LIVE: Final = {
    "preferences.theme": "the web UI, over HTTP",
}
_OWN: Final = ("core/config/sections", "core/config/names.py", "api/documents", "cli")


@cache
def _code() -> str:
    files = (file for file in sorted(SRC.rglob("*.py")))
    own = tuple(str(SRC / folder) for folder in _OWN)
    return "\n".join(
        file.read_text(encoding="utf-8") for file in files if not str(file).startswith(own)
    )


def _is_read(key: Key) -> bool:
    section = key.section.removesuffix("s")
    names = rf"(?:\w*{section}\w*|queue)"
    return re.search(rf"\b{names}\.{key.field}\b", _code()) is not None


def _is_followed(key: Key) -> bool:
    return re.search(rf'(?:get|get_for|on_change)\(\s*"{re.escape(key.name)}"', _code()) is not None


def test_keys_are_read_by_something() -> None:
    dead = {key.name for key in KEYS.values() if not key.live and not _is_read(key)}

    assert dead - set(WAITING) == set(), "nothing reads these: a key without effect is a lie"
    assert set(WAITING) - dead == set(), "these are read now: take them off the list"


def test_live_keys_are_followed_through_the_settings_port() -> None:
    fixed = {key.name for key in KEYS.values() if key.live and not _is_followed(key)}

    assert fixed - set(NOT_YET_LIVE) == set(), "read these through SETTINGS, not from the config"
    assert set(NOT_YET_LIVE) - fixed == set(), "these are followed now: take them off the list"
