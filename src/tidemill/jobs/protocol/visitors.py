"""Who has connected over TLS: workers, and strangers whose greeting was not accepted yet."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from tidemill.core.addresses import network_of
from tidemill.jobs.protocol.connection import Connection

connections_max: Final = 2_000
strangers_max: Final = 256
"""Connections whose greeting has not been accepted yet."""


class Visitor:
    """One connection from the moment on at which it was taken."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.network = network_of(address)
        self.connection: Connection[Any, Any] | None = None
        self.opening: asyncio.Task[None] | None = None

    @property
    def is_stranger(self) -> bool:
        """Whether nobody has accepted its greeting yet."""
        return self.connection is None or not self.connection.is_wide

    def send_away(self) -> None:
        """End the connection, or the handshake for it."""
        if self.connection is not None:
            self.connection.abort("Others came in greater need of this place.")
        elif self.opening is not None:
            self.opening.cancel()


class Visitors:
    """All connections of a listener, those first that came first."""

    def __init__(
        self, *, connections_max: int = connections_max, strangers_max: int = strangers_max
    ) -> None:
        self._here: dict[Visitor, None] = {}
        self._connections_max = connections_max
        self._strangers_max = strangers_max

    def __iter__(self) -> Iterator[Visitor]:
        return iter(tuple(self._here))

    def enter(self, address: str) -> Visitor | None:
        """Return the place of a new connection, or None where workers have taken all.

        Where strangers are in the way, the oldest one goes of the network that has the most: so
        nobody keeps workers of other networks out by connecting and saying nothing.
        """
        strangers = [visitor for visitor in self._here if visitor.is_stranger]
        is_full = len(self._here) >= self._connections_max
        if is_full and not strangers:
            return None
        if is_full or len(strangers) >= self._strangers_max:
            # Of networks that have as many, the one that has waited longest stands first.
            ((network, _),) = Counter(one.network for one in strangers).most_common(1)
            oldest = next(one for one in strangers if one.network == network)
            self.leave(oldest)
            oldest.send_away()
        visitor = Visitor(address)
        self._here[visitor] = None
        return visitor

    def leave(self, visitor: Visitor) -> None:
        """Forget a connection that is over."""
        self._here.pop(visitor, None)
