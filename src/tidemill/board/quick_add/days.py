"""Reads days as people say them, seen from a day."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Final

from tidemill.board.errors import shown
from tidemill.board.filters.models import Word
from tidemill.board.quick_add_errors import InvalidQuickText

WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_SHORT: Final = {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4, "sat": 5,
    "sun": 6,
}  # fmt: skip
_WEEKDAYS: Final = {**{name: place for place, name in enumerate(WEEKDAYS)}, **_SHORT}
NEXT_UNITS: Final = frozenset({"week", "month", *_WEEKDAYS})
"""What may stand behind `next`."""
_DAYS: Final = {"today": 0, "tod": 0, "tomorrow": 1, "tom": 1, "yesterday": -1}
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_RELATIVE: Final = re.compile(r"([+-]?)(\d{1,4})([dwm])")
_NEXT: Final = re.compile(r"next[ -](\S+)")
_week_days: Final = 7


def day_of(word: Word, today: date) -> date:
    """Return the day that `word` means, `today` being where whoever wrote it is.

    A weekday is the next one that comes, today excepted; `next friday` is that of next week, and
    `next week` its Monday. Raises `InvalidQuickText`.
    """
    text = " ".join(word.text.lower().split())
    try:
        found = _day_of(text, today)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise InvalidQuickText(
            word.at,
            f"{shown(word.text)} is no day. Write 2026-01-31, today, tomorrow, fri, +3d, +2w, "
            "next week or next friday.",
        )
    return found


def _day_of(text: str, today: date) -> date | None:
    if text in _DAYS:
        return today + timedelta(days=_DAYS[text])
    if text in _WEEKDAYS:
        ahead = (_WEEKDAYS[text] - today.weekday()) % _week_days
        return today + timedelta(days=ahead or _week_days)
    if match := _NEXT.fullmatch(text):
        return _next(match[1], today)
    if match := _RELATIVE.fullmatch(text):
        return _moved(today, int(f"{match[1]}{match[2]}"), match[3])
    return date.fromisoformat(text) if _ISO.fullmatch(text) else None


def _next(unit: str, today: date) -> date | None:
    if unit not in NEXT_UNITS:
        return None
    if unit == "month":
        return _moved(today.replace(day=1), 1, "m")
    monday = today + timedelta(days=_week_days - today.weekday())
    return monday + timedelta(days=_WEEKDAYS.get(unit, 0))


def _moved(day: date, count: int, unit: str) -> date:
    if unit != "m":
        return day + timedelta(days=count * (_week_days if unit == "w" else 1))
    months = day.year * 12 + day.month - 1 + count
    year, month = months // 12, months % 12 + 1
    # Of the 31st of a shorter month there is its last day.
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
