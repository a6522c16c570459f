"""Cron expressions: 5 fields, or 6 with seconds in front; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from tidemill.core.clock import Instant, from_datetime, to_datetime
from tidemill.jobs.scheduling.schedules.walls import instant_of, wall_of

expression_chars_max: Final = 200
_ALIASES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ALLOWED: Final = {
    "second": "0-59",
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, L or LW",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 (0 and 7 are Sunday), SUN-SAT, 5L or MON#2",
}
_FORM: Final = (
    "write 5 fields (minute hour day-of-month month day-of-week), or 6 with seconds in front, "
    "such as '0 6 * * 1-5'"
)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_hours_a_day: Final = 24


class BadCron(ValueError):
    """The expression is none."""


class CronTimes:
    """The instants of a cron expression in a zone.

    An expression that names hours is a list of times on the wall clock, each of which happens
    once a day (see `walls`). One that runs in every hour keeps its beat: it knows no wall, so
    that a minutely job neither rests nor doubles when the clock is changed.
    """

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        self._expression = normal(expression)
        self._zone = zone
        self._keeps_beat = len(_parsed(self._expression).hours) == _hours_a_day

    def after(self, instant: Instant) -> Iterator[Instant]:
        """Yield what comes after `instant`, for the next 50 years."""
        latest = instant
        found = self._beats(instant) if self._keeps_beat else self._walls(instant)
        for due in found:
            # All times that one jump swallows happen at the jump, which is once.
            if due > latest:
                latest = due
                yield due

    def _beats(self, instant: Instant) -> Iterator[Instant]:
        start = to_datetime(instant).astimezone(self._zone)
        return (from_datetime(moment) for moment in CronSim(self._expression, start))

    def _walls(self, instant: Instant) -> Iterator[Instant]:
        # The wall may have been put back since: the first of two equal times may lie behind it.
        start = wall_of(instant, self._zone)
        return (instant_of(wall, self._zone) for wall in CronSim(self._expression, start))


def normal(expression: str) -> str:
    """Return the expression with 6 fields; raises `BadCron` with what would be right."""
    text = " ".join(expression.split())
    text = _ALIASES.get(text.lower(), text)
    fields = text.split(" ") if text else []
    if len(fields) not in {5, 6} or len(text) > expression_chars_max:
        raise BadCron(f"{expression[:60]!r} has {len(fields)} fields; {_FORM}.")
    if len(fields) == 5:
        fields.insert(0, "0")
    try:
        _parsed(" ".join(fields))
    except CronSimError as error:
        raise BadCron(f"{expression!r} {_reason(fields, str(error))}") from None
    except (ValueError, TypeError, IndexError, AssertionError):
        raise BadCron(f"{expression!r} is no cron expression; {_FORM}.") from None
    return " ".join(fields)


def _parsed(expression: str) -> CronSim:
    return CronSim(expression, _EPOCH)


def _reason(fields: Sequence[str], message: str) -> str:
    name = message.removeprefix("Bad ")
    if name == "day-of-month":
        with suppress(CronSimError):
            # In some month the day exists, so it is the months that never have it.
            _parsed(" ".join([*fields[:4], "*", fields[5]]))
            return "never fires: its months have no such day. Choose another day, or L."
    allowed = _ALLOWED.get(name)
    if allowed is None:
        return f"is no cron expression; {_FORM}."
    return f"has a bad {name}; {name} takes {allowed}, with lists, ranges and steps."
