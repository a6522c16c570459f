"""From the time on a wall clock to the instant, over both changes of the clock; no I/O.

The rule: a time that names its hour happens once a day. When the clock jumps over it, it happens
at the jump; when the clock shows it twice, it happens the first time.
"""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from tidemill.core.clock import Instant, from_datetime, to_datetime

_zones_kept_max: Final = 100


class UnknownZone(ValueError):
    """There is no time zone of this name."""


@lru_cache(_zones_kept_max)
def zone_of(name: str) -> ZoneInfo:
    """Return the zone `name` of the IANA database; raises `UnknownZone` with the nearest name."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise UnknownZone(_advice(name)) from None


def wall_of(instant: Instant, zone: ZoneInfo) -> datetime:
    """Return what a wall clock in `zone` shows at `instant`."""
    return to_datetime(instant).astimezone(zone).replace(tzinfo=None)


def instant_of(wall: datetime, zone: ZoneInfo) -> Instant:
    """Return when a wall clock in `zone` shows `wall` for the first time, or jumps over it."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return from_datetime(moment)
    return from_datetime(_jump(wall, zone))


def _jump(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant at which the clock jumps over `wall`."""
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    new = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _advice(name: str) -> str:
    known = available_timezones()
    by_lower = {zone.lower(): zone for zone in known}
    by_lower |= {zone.rsplit("/", 1)[-1].lower(): zone for zone in sorted(known, reverse=True)}
    wanted = name.strip().lower().replace(" ", "_")
    near = difflib.get_close_matches(wanted, by_lower, n=1, cutoff=0.6)
    meant = f"did you mean {by_lower[near[0]]}?" if near else "use a name such as Europe/Berlin."
    return f"{name[:60]!r} is no time zone of the IANA database; {meant}"
