"""What happened in one tick, on its way to everybody whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.clock import Instant
from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Ephemeral
from tidemill.events.contract import Audience, Visibility
from tidemill.events.live.connection import Connection
from tidemill.events.live.frames import Item, frames_of
from tidemill.events.wire import Format


class Tick:
    """Encodes each item once for each format and audience.

    And each frame once for all that see the same.
    """

    def __init__(
        self,
        facts: Sequence[RecordedFact],
        updates: Sequence[Ephemeral],
        *,
        through_seq: int,
        epoch: str,
        at: Instant,
        visibility: Visibility,
    ) -> None:
        self._facts = facts
        self._updates = updates
        self._through_seq = through_seq
        self._epoch = epoch
        self._at = at
        self._visibility = visibility
        self._wanted: dict[Connection, list[int]] = {}
        self._items: dict[tuple[Format, Audience, int], bytes] = {}
        self._frames: dict[tuple[Format, Audience, tuple[int, ...]], list[Item]] = {}

    def add(self, connection: Connection, index: int) -> None:
        """Send the item `index`, facts first, to `connection`."""
        self._wanted.setdefault(connection, []).append(index)

    def send(self) -> None:
        """Queue the frames; nobody is waited for."""
        for connection, indexes in self._wanted.items():
            audience = self._visibility.audience(connection.actor)
            key = (connection.format, audience, tuple(indexes))
            frames = self._frames.get(key)
            if frames is None:
                reached = [*map(self._seq, indexes[:-1]), self._through_seq]
                items = [self._item(connection, audience, index) for index in indexes]
                both = list(zip(items, reached, strict=True))
                frames = self._frames[key] = frames_of(connection.encoder, both, self._epoch)
            for frame, through in frames:
                connection.push(frame, through, self._epoch)

    def _seq(self, index: int) -> int:
        return self._facts[index].seq if index < len(self._facts) else self._through_seq

    def _item(self, connection: Connection, audience: Audience, index: int) -> bytes:
        key = (connection.format, audience, index)
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = self._encode(connection, audience, index)
        return item

    def _encode(self, connection: Connection, audience: Audience, index: int) -> bytes:
        if index < len(self._facts):
            return connection.encoder.fact(self._visibility.told(audience, self._facts[index]))
        update = self._updates[index - len(self._facts)]
        return connection.encoder.update(self._visibility.told_update(audience, update), self._at)
