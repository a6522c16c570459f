"""Single-use tickets: a page gets one by HTTP and opens a socket with it.

Browsers cannot send an Authorization header with a WebSocket, and a token in an address ends up
in logs. A ticket works once, for half a minute, in whichever process the socket arrives.
"""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import seconds_after
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Database, Tx
from tidemill.events.errors import TicketRefused
from tidemill.events.tickets import repository


class Ticket(Struct, frozen=True, kw_only=True):
    """What the page repeats as `/ws?ticket=…`; the store has only its digest."""

    secret: str
    expires_in: int


class Tickets:
    """Issues and redeems tickets."""

    def __init__(self, control: Database, *, seconds: int) -> None:
        self._control = control
        self._seconds = seconds

    async def issue(self, *, actor: Actor) -> Ticket:
        """Return a ticket that opens one socket for `actor`."""
        secret = secrets.token_urlsafe(32)
        encoded = msgspec.json.encode(actor).decode()

        def use_case(tx: Tx) -> None:
            expires_at = seconds_after(tx.now, self._seconds)
            repository.issue(tx, _digest(secret), encoded, expires_at)

        await self._control.write(actor.tenant_id, use_case)
        return Ticket(secret=secret, expires_in=self._seconds)

    async def redeem(self, secret: str) -> Actor:
        """Return whose ticket this is, once. Raises `TicketRefused`."""
        digest = _digest(secret)
        # Anybody may ask, without a credential: what is no ticket must not reach the one writer.
        if not await self._control.read(INSTALLATION, lambda tx: repository.has(tx, digest)):
            raise TicketRefused
        found = await self._control.write(INSTALLATION, lambda tx: repository.redeem(tx, digest))
        if found is None:
            raise TicketRefused
        return msgspec.json.decode(found, type=Actor)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
