"""Due days as a calendar (RFC 5545).

Whole days as events: many calendars show no to-dos, and an event of a day has no time zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tidemill.board.work_items.models import WorkItem
from tidemill.board.workflows.models import Category
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant

END: Final = b"END:VCALENDAR\r\n"
# A line has at most 75 bytes, and what continues it begins with a blank.
_line_bytes_max: Final = 75
_SPECIAL: Final = re.compile(r"([\\;,])")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def beginning(name: str) -> bytes:
    """Return how a calendar of this name begins."""
    return _lines(
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tidemill//Board//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(name)}",
    )


def events(items: Iterable[WorkItem]) -> bytes:
    """Return the events of those items that are due on a day."""
    return b"".join(_event(item, item.due_date) for item in items if item.due_date is not None)


def _event(item: WorkItem, due_date: str) -> bytes:
    day = date.fromisoformat(due_date)
    is_cancelled = item.status_category == Category.CANCELLED
    labels = ",".join(_text(label.name) for label in item.labels)
    return _lines(
        "BEGIN:VEVENT",
        f"UID:{item.id}@tidemill",
        f"DTSTAMP:{_moment(item.updated_at)}",
        f"CREATED:{_moment(item.created_at)}",
        f"LAST-MODIFIED:{_moment(item.updated_at)}",
        f"SEQUENCE:{item.version}",
        f"DTSTART;VALUE=DATE:{_day(day)}",
        # The day behind the last one, which the last day that there is does not have.
        *((f"DTEND;VALUE=DATE:{_day(day + timedelta(days=1))}",) if day < date.max else ()),
        f"SUMMARY:{_text(f'{item.key} {item.title}')}",
        *((f"DESCRIPTION:{_text(item.description)}",) if item.description else ()),
        *((f"CATEGORIES:{labels}",) if labels else ()),
        f"STATUS:{'CANCELLED' if is_cancelled else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    )


def _day(day: date) -> str:
    # `%Y` writes years before 1000 with fewer digits.
    return day.isoformat().replace("-", "")


def _moment(instant: Instant) -> str:
    return f"{datetime.fromtimestamp(instant // MICROSECONDS_PER_SECOND, tz=UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    plain = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _SPECIAL.sub(r"\\\1", plain).replace("\n", "\\n")


def _lines(*lines: str) -> bytes:
    return b"".join(folded + b"\r\n" for line in lines for folded in _folded(line))


def _folded(line: str) -> Iterator[bytes]:
    """Yield a line in parts of which none ends within a character."""
    part = b""
    for char in line:
        encoded = char.encode()
        if len(part) + len(encoded) > _line_bytes_max:
            yield part
            part = b" "
        part += encoded
    yield part
