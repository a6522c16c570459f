"""The transactions around mail: what waits, who sends it, and what came of it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct

from tidemill.board.notification_mails.models import (
    Parcel,
    Place,
    Waiting,
    at_once_waiting_max,
    events_max,
    next_digest,
    retry_seconds,
)
from tidemill.board.notification_mails.repository import MailRepository
from tidemill.board.notification_preferences.models import DefaultsFor, MailTiming
from tidemill.board.notifications.models import Notification
from tidemill.board.notifications.repository import NotificationRepository
from tidemill.board.notifying.models import Posting
from tidemill.core.actor import system
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant, seconds_after
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Tx
from tidemill.events import Marks
from tidemill.identity import Contact

log = structlog.get_logger(__name__)

mails_per_turn_max: Final = 100
swept_at_once_max: Final = 500
error_chars_max: Final = 500
ended_kept_seconds: Final = 7 * 86_400.0
lease_seconds_spare: Final = 60.0
_key_bytes: Final = 24


class MailLimits(Struct, frozen=True, kw_only=True):
    """What bounds mail; a lease outlives any attempt."""

    attempts_max: int
    lease_seconds: float
    keep_seconds: float


class MailQueue:
    """Takes events that somebody wants mail of, each in the transaction that wrote it."""

    def __init__(self, batch_seconds: float) -> None:
        self._batch_seconds = batch_seconds
        self._mails = MailRepository()

    def add(self, tx: Tx, postings: Sequence[Posting]) -> None:
        """See `Post.add`. Who is about to get many mails gets the rest with the digest."""
        gathering = self._mails.gathering(tx, dict.fromkeys(one.row.user_id for one in postings))
        counts = Counter(user_id for user_id, kind, _ in gathering if kind == MailTiming.AT_ONCE)
        fresh: list[tuple[str, Place, Instant]] = []
        events: list[tuple[str, str]] = []
        for one in postings:
            place = _place(one.row, one.timing)
            is_full = counts[one.row.user_id] >= at_once_waiting_max
            if one.timing == MailTiming.AT_ONCE and place not in gathering and is_full:
                place = _place(one.row, MailTiming.DIGEST)
            if place not in gathering:
                gathering[place] = tx.new_id()
                counts[one.row.user_id] += place[1] == MailTiming.AT_ONCE
                fresh.append((gathering[place], place, self._due_at(tx, place)))
            events.append((gathering[place], one.event.id))
        self._mails.add_many(tx, fresh)
        self._mails.add_events(tx, events)

    def _due_at(self, tx: Tx, place: Place) -> Instant:
        # When a digest goes out is known to whoever knows its reader's time zone.
        is_digest = place[1] == MailTiming.DIGEST
        return tx.now if is_digest else seconds_after(tx.now, self._batch_seconds)


class Mailing:
    """Hands out mails that are due, each to one holder at a time.

    The tenant's mark stands for what is `due_besides`, too.
    """

    def __init__(
        self,
        tenants: Database,
        control: Database,
        defaults: DefaultsFor,
        limits: MailLimits,
        chance: Callable[[], float],
        *,
        due_besides: Callable[[Tx], Instant | None] = lambda _: None,
    ) -> None:
        self._tenants = tenants
        self._defaults = defaults
        self._limits = limits
        self._chance = chance
        self._due_besides = due_besides
        self._mails = MailRepository()
        self._marks = Marks(control, "notifications")
        self._notifications = NotificationRepository()

    async def due(self, tenant_id: TenantId) -> list[Waiting]:
        """Return what is due in a tenant."""
        return await self._tenants.read(
            tenant_id, lambda tx: self._mails.due(tx, mails_per_turn_max)
        )

    async def claim(
        self, tenant_id: TenantId, mail_id: str, contact: Contact | None, holder: str
    ) -> Parcel | None:
        """Return the mail for `holder` alone to send, None when it shall not go out now.

        Without a contact (who it is for has left, or may enter no more) it never goes out.
        """
        defaults = await self._defaults(system("board", tenant_id))

        def use_case(tx: Tx) -> Parcel | None:
            waiting = self._mails.find_due(tx, mail_id)
            if waiting is None:
                return None
            if contact is None or self._mails.is_stopped(tx, waiting.user_id):
                self._mails.drop(tx, mail_id)
                return None
            if waiting.attempts >= self._limits.attempts_max:
                # Its last holder never came back to say how it went.
                self._mails.drop(tx, mail_id)
                return None
            due_at = self._due_at(tx, waiting, contact, defaults.digest_hour)
            if due_at > tx.now:
                self._mails.move(tx, mail_id, due_at)
                return None
            until = seconds_after(tx.now, self._limits.lease_seconds)
            self._mails.claim(tx, mail_id, holder, until)
            lines = self._mails.lines(tx, mail_id)
            if not lines:
                self._mails.drop(tx, mail_id)
                return None
            # A mail that is not full tells all there is: no need to count.
            all_told = len(lines) < events_max
            more = 0 if all_told else self._mails.count(tx, mail_id) - len(lines)
            key = self._key(tx, waiting.user_id)
            return Parcel(waiting=waiting, lines=lines, more=more, key=key)

        return await self._tenants.write(tenant_id, use_case)

    async def ended(
        self, tenant_id: TenantId, parcel: Parcel, holder: str, problem: str | None
    ) -> None:
        """Keep how an attempt went: `problem` is None for a mail that was handed over."""
        chance = self._chance()

        def use_case(tx: Tx) -> None:
            state, due_at = "sent", None
            if problem is not None:
                state = "failed"
                if parcel.attempt < self._limits.attempts_max:
                    state = "sending"
                    due_at = seconds_after(tx.now, retry_seconds(parcel.attempt, chance))
            self._mails.end(
                tx,
                parcel.waiting.id,
                attempt=parcel.attempt,
                holder=holder,
                state=state,
                error=problem and problem[:error_chars_max],
                due_at=due_at,
            )

        await self._tenants.write(tenant_id, use_case)

    async def sweep(self, tenant_id: TenantId) -> None:
        """Remove what inboxes keep no more, and mail that ended long ago."""

        def use_case(tx: Tx) -> int:
            old = seconds_after(tx.now, -self._limits.keep_seconds)
            count = self._notifications.sweep(tx, old, swept_at_once_max)
            ended = seconds_after(tx.now, -ended_kept_seconds)
            return count + self._mails.sweep(tx, ended, swept_at_once_max)

        count = await self._tenants.write(tenant_id, use_case)
        if count:
            log.info("notifications.swept", tenant_id=tenant_id, count=count)

    async def arrange(self, tenant_id: TenantId) -> None:
        """Mark in the control store when this tenant has something to do next."""
        await self._marks.arrange(tenant_id, lambda: self._tenants.read(tenant_id, self._next_due))

    async def postpone(self, tenant_id: TenantId) -> None:
        """Look at a tenant later, whose store cannot be used now."""
        await self._marks.postpone(tenant_id)

    async def tenants_due(self) -> list[TenantId]:
        """Return tenants whose marks are due."""
        return await self._marks.due()

    def _next_due(self, tx: Tx) -> Instant | None:
        oldest, ended = self._notifications.oldest(tx), self._mails.oldest_ended(tx)
        due = (
            self._mails.next_due(tx),
            self._due_besides(tx),
            None if oldest is None else oldest + _microseconds(self._limits.keep_seconds),
            None if ended is None else ended + _microseconds(ended_kept_seconds),
        )
        # A microsecond later: what is swept lies before the instant, and not at it.
        return min((Instant(at + 1) for at in due if at is not None), default=None)

    def _due_at(self, tx: Tx, waiting: Waiting, contact: Contact, hour_default: int) -> Instant:
        if waiting.kind != MailTiming.DIGEST or waiting.state != "gathering":
            return tx.now
        own = self._mails.digest_hour(tx, waiting.user_id)
        hour = hour_default if own is None else own
        return next_digest(waiting.created_at, hour, ZoneInfo(contact.time_zone))

    def _key(self, tx: Tx, user_id: str) -> str:
        key = self._mails.key(tx, user_id)
        if key is None:
            self._mails.add_key(tx, user_id, secrets.token_urlsafe(_key_bytes))
            key = self._mails.key(tx, user_id)
        if key is None:
            raise AssertionError("a key that was just added is there")
        return key


def _place(row: Notification, kind: str) -> Place:
    return row.user_id, str(kind), "" if kind == MailTiming.DIGEST else row.id


def _microseconds(seconds: float) -> int:
    return round(seconds * MICROSECONDS_PER_SECOND)
