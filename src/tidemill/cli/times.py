"""How people say durations and instants: `10m`, `2h30m`, `2026-01-31T12:00:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from tidemill.cli.failures import CommandFailed, ExitCode

_PARTS: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS: Final = (86_400, 3_600, 60, 1)


def seconds_of(text: str) -> int:
    """Return the seconds of a duration such as `90`, `10m` or `1d12h`."""
    if text.isascii() and text.isdigit():
        return int(text)
    match = _PARTS.fullmatch(text)
    if not text or match is None:
        told = f"{text!r} is no duration. Write it as 90s, 10m, 2h30m or 1d."
        raise CommandFailed(told, ExitCode.USAGE)
    return sum(int(part or 0) * unit for part, unit in zip(match.groups(), _UNITS, strict=True))


def duration(seconds: int) -> str:
    """Return seconds as people say them, such as `1h30m`."""
    hours, rest = divmod(seconds, 3_600)
    parts = ((hours, "h"), (rest // 60, "m"), (rest % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def second_of(text: str | None) -> int | None:
    """Return an instant in seconds since 1970; a duration means so long ago.

    What names no zone is a time of this machine's.
    """
    told = instant_of(text)
    return None if told is None else int(datetime.fromisoformat(told).timestamp())


def instant_after(text: str | None) -> str | None:
    """Return the instant that lies a duration ahead, as the API takes it."""
    if text is None:
        return None
    return _told(datetime.now(UTC) + timedelta(seconds=seconds_of(text)))


def instant_of(text: str | None) -> str | None:
    """Return an instant as the API takes it; a duration means so long ago."""
    if text is None:
        return None
    if _PARTS.fullmatch(text):
        return _told(datetime.now(UTC) - timedelta(seconds=seconds_of(text)))
    return _instant(text, "2h for two hours ago")


def instant_ahead(text: str | None) -> str | None:
    """Return an instant as the API takes it; a duration means so long from now."""
    if text is None or _PARTS.fullmatch(text):
        return instant_after(text)
    return _instant(text, "2h for in two hours")


def _instant(text: str, or_else: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        told = f"{text!r} is no instant. Write 2026-01-31T12:00:00Z, or {or_else}."
        raise CommandFailed(told, ExitCode.USAGE) from error
    return _told(moment.astimezone(UTC))


def _told(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
