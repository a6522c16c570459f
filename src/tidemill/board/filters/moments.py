"""Reads instants: days, times of a day, and times from now."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.errors import shown
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.models import Word
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant

_RELATIVE: Final = re.compile(r"([+-]?)(\d{1,5})([hdw])")
_ABSOLUTE: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?)?"
)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Moment(Struct, frozen=True):
    """From `start` to before `end`: a day, or a point in time, where both are the same."""

    start: int
    end: int


def moment(word: Word, now: Instant, zone: ZoneInfo) -> Moment:
    """Return what `word` means; raises `InvalidFilter`."""
    text = word.text
    try:
        return _moment(text, now, zone)
    except (ValueError, OverflowError) as error:
        raise InvalidFilter(
            word.at,
            f"{shown(text)} is no date. Write 2026-01-31, 2026-01-31T14:30, today, or a time from "
            "now such as -7d (h, d, w).",
        ) from error


def day(word: Word, now: Instant, zone: ZoneInfo) -> date:
    """Return the day that `word` means; raises `InvalidFilter`."""
    text = word.text.lower()
    here = datetime.fromtimestamp(now / MICROSECONDS_PER_SECOND, zone).date()
    try:
        if text in _DAYS:
            return here + timedelta(days=_DAYS[text])
        if (match := _RELATIVE.fullmatch(text)) and match[3] != "h":
            return here + int(f"{match[1]}{match[2]}") * _UNITS[match[3]]
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except (ValueError, OverflowError):
        pass  # What is below says it.
    raise InvalidFilter(
        word.at,
        f"{shown(word.text)} is no day. Write 2026-01-31, today, or days or weeks from now such as "
        "7d, -2w.",
    )


def day_ends(at: date) -> tuple[str, str]:
    """Return where a day begins, and where the next one does, as days are written."""
    # After the last day of all there is none; `~` comes behind every digit.
    return at.isoformat(), (at + timedelta(days=1)).isoformat() if at < date.max else "~"


def _moment(text: str, now: Instant, zone: ZoneInfo) -> Moment:
    here = datetime.fromtimestamp(now / MICROSECONDS_PER_SECOND, zone)
    if text.lower() == "now":
        return Moment(now, now)
    if text.lower() in _DAYS:
        return _day(here + timedelta(days=_DAYS[text.lower()]))
    if match := _RELATIVE.fullmatch(text.lower()):
        count = int(match[2]) * (-1 if match[1] == "-" else 1)
        point = int(now) + count * _UNITS[match[3]] // _MICROSECOND
        return Moment(point, point)
    match = _ABSOLUTE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, clock, offset = match.groups()
    if clock is None:
        return _day(datetime.fromisoformat(day).replace(tzinfo=zone))
    told = datetime.fromisoformat(f"{day}T{clock}{(offset or '').replace('Z', '+00:00')}")
    length = timedelta(minutes=1) if clock.count(":") == 1 else timedelta(seconds=1)
    at = told if told.tzinfo else told.replace(tzinfo=zone)
    return Moment(_micros(at), _micros(at) + length // _MICROSECOND)


def _day(at: datetime) -> Moment:
    # A day of a change of clocks is shorter or longer: its end is where the next one starts.
    start = at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    following = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=start.tzinfo)
    return Moment(_micros(start), _micros(following))


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
