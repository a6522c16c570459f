"""Time zones by their names."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from tidemill.board.errors import UnknownTimeZone

_chars_max: Final = 64


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of the IANA database; raises `UnknownTimeZone`."""
    if len(name) > _chars_max:
        raise UnknownTimeZone(name)
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise UnknownTimeZone(name) from error
