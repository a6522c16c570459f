"""Counts attempts to log in, and makes guessing slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tidemill.core.actor import Actor, ActorKind, Origin
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, seconds_after
from tidemill.core.ids import INSTALLATION, UserId
from tidemill.core.ports import Database, Tx
from tidemill.identity.attempts.models import (
    Count,
    Limits,
    Reserved,
    account_key,
    address_hash,
    address_key,
    email_digest,
    tarpit_seconds,
)
from tidemill.identity.attempts.repository import AttemptRepository
from tidemill.identity.errors import LoginPaused

_known_seconds: Final = 90 * 86_400
_tarpit_places_max: Final = 64

Sleep = Callable[[float], Awaitable[None]]


class AttemptService:
    """Counts every attempt before its password is looked at."""

    def __init__(
        self, control: Database, clock: Clock, limits: Limits, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._control = control
        self._clock = clock
        self._limits = limits
        self._sleep = sleep
        self._waiting = 0
        self._attempts = AttemptRepository()

    def reserve(self, tx: Tx, email_key: str, user_id: UserId | None, origin: Origin) -> Reserved:
        """Count an attempt on an account, which may not exist; the answer is the same."""
        since = seconds_after(tx.now, -_known_seconds)
        place = address_hash(origin.address)
        known = self._attempts.is_known(tx, user_id or UserId(""), place, since)
        account = account_key(email_key, place if known else None)
        address = address_key(origin.address)
        ends_at = seconds_after(tx.now, self._limits.window_seconds)
        by_account = self._attempts.count(tx, account, ends_at)
        by_address = self._attempts.count(tx, address, ends_at)
        counts = (
            (f"account:{email_digest(email_key)}", by_account, self._limits.account_failures_max),
            (address, by_address, self._limits.address_failures_max),
        )
        over = [count.window_ends_at for _, count, limit in counts if count.failures > limit]
        for resource, count, limit in counts:
            if count.failures == limit + 1:
                _tell_paused(tx, resource, count, user_id, origin)
        return Reserved(
            account_key=account,
            address_key=address,
            failures=by_account.failures,
            paused_until=max(over) if over else None,
        )

    def check(self, reserved: Reserved) -> None:
        """Raise `LoginPaused` when there were too many attempts."""
        if reserved.paused_until is not None:
            left = (reserved.paused_until - self._clock.now()) / MICROSECONDS_PER_SECOND
            raise LoginPaused(left)

    def succeeded(self, tx: Tx, reserved: Reserved, user_id: UserId, origin: Origin) -> None:
        """Forget the account's failures and remember the address."""
        self._attempts.forget(tx, reserved.account_key)
        self._attempts.take_back(tx, reserved.address_key)
        if origin.address is not None:
            self._attempts.remember(tx, user_id, address_hash(origin.address))

    async def tarpit(self, reserved: Reserved) -> None:
        """Wait before a refusal; when many wait already, nobody more does."""
        seconds = tarpit_seconds(reserved.failures)
        if seconds <= 0 or self._waiting >= _tarpit_places_max:
            return
        self._waiting += 1
        try:
            await self._sleep(seconds)
        finally:
            self._waiting -= 1

    async def prune(self) -> None:
        """Delete what is over."""
        before = seconds_after(self._clock.now(), -_known_seconds)
        await self._control.write(INSTALLATION, lambda tx: self._attempts.prune(tx, before))


def _tell_paused(
    tx: Tx, resource: str, count: Count, user_id: UserId | None, origin: Origin
) -> None:
    # Once for each pause: whoever goes on guessing must not fill the log.
    by = Actor(
        kind=ActorKind.USER,
        id=user_id or "unknown",
        tenant_id=INSTALLATION,
        user_id=user_id,
        origin=origin,
    )
    after = {"failures": count.failures - 1, "until": count.window_ends_at}
    tx.audit("identity.logins.pause", by=by, resource=resource, after=after)
