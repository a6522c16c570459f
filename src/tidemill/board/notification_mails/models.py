"""When mail goes out, when it is tried again, and who may unsubscribe; no I/O."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.core.clock import Instant, from_datetime, to_datetime

retry_seconds_first: Final = 60.0
retry_seconds_max: Final = 6 * 3600.0
at_once_waiting_max: Final = 20
"""How many mails of one member may gather at a time; what is more comes with the digest."""
events_max: Final = 50
"""How many events one mail tells; of others it says how many there are."""
_retry_factor: Final = 4.0
_mac_bytes: Final = 18
_token_parts: Final = 3
_days_looked_at: Final = 3

Place = tuple[str, str, str]
"""Whose mail gathers, of what kind, and about which notification: "" for a digest."""


class Waiting(Struct, frozen=True):
    """A mail that is due, in the order of the columns that a read selects."""

    id: str
    user_id: str
    kind: str
    state: str
    attempts: int
    created_at: Instant


class Line(Struct, frozen=True):
    """Something that a mail tells, in the order of the columns that a read selects."""

    reason: str
    actor_kind: str
    actor_name: str | None
    field: str | None
    old_value: str | None
    new_value: str | None
    comment: str | None
    at: Instant
    project_key: str | None
    item_number: int | None
    title: str | None
    deleted_at: Instant | None

    @property
    def item(self) -> str:
        """Return key and title of the item, as far as they are known."""
        if self.project_key is None:
            return "an item that is gone"
        return f"{self.project_key}-{self.item_number} {self.title}"


class Parcel(Struct, frozen=True, kw_only=True):
    """A mail that this process alone may send for a while."""

    waiting: Waiting
    lines: tuple[Line, ...]
    more: int
    """How many events there are beside those that it tells."""
    key: str

    @property
    def attempt(self) -> int:
        """Return which attempt this is, from 1 on."""
        return self.waiting.attempts + 1


def next_digest(after: Instant, hour: int, zone: ZoneInfo) -> Instant:
    """Return the first instant after `after` at which it is `hour` o'clock in `zone`.

    Where clocks skip that hour, it is the instant after the gap.
    """
    start = to_datetime(after).astimezone(zone).replace(tzinfo=None)
    day = datetime(start.year, start.month, start.day, hour)  # noqa: DTZ001 - a clock on the wall
    for number in range(_days_looked_at):
        wall = day + timedelta(days=number)
        instant = from_datetime(wall.replace(tzinfo=zone))
        if instant > after:
            return instant
    raise AssertionError("one of three days in a row lies ahead")


def retry_seconds(attempts: int, chance: float) -> float:
    """Return how long to wait after so many attempts; `chance` of 0 to 1 spreads it by a fifth."""
    grown: float = retry_seconds_first * _retry_factor ** min(attempts - 1, 16)
    return min(grown, retry_seconds_max) * (0.8 + 0.4 * chance)


def unsubscribe_token(tenant_id: str, user_id: str, key: str) -> str:
    """Return what in a link proves that it came by mail to this member."""
    return f"{tenant_id}.{user_id}.{_mac(tenant_id, user_id, key)}"


def token_place(token: str) -> tuple[str, str, str] | None:
    """Return tenant, member and signature of a token, None when it cannot be one."""
    parts = token.split(".")
    if len(parts) != _token_parts:
        return None
    return parts[0], parts[1], parts[2]


def is_signed(place: tuple[str, str, str], key: str) -> bool:
    """Return whether a token is signed by `key`."""
    tenant_id, user_id, mac = place
    return hmac.compare_digest(mac.encode(), _mac(tenant_id, user_id, key).encode())


def _mac(tenant_id: str, user_id: str, key: str) -> str:
    text = f"unsubscribe:{tenant_id}:{user_id}"
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_mac_bytes]).decode()
