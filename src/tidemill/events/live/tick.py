"""What happened in one tick, on its way to everybody whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.clock import Instant
from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Ephemeral
from tidemill.events.live.connection import Connection


class Tick:
    """Encodes each item once for each format, and each frame once for all that see the same."""

    def __init__(
        self,
        facts: Sequence[RecordedFact],
        updates: Sequence[Ephemeral],
        *,
        through_seq: int,
        epoch: str,
        at: Instant,
    ) -> None:
        self._facts = facts
        self._updates = updates
        self._through_seq = through_seq
        self._epoch = epoch
        self._at = at
        self._wanted: dict[Connection, list[int]] = {}
        self._items: dict[tuple[str, int], bytes] = {}
        self._frames: dict[tuple[str, tuple[int, ...]], list[bytes]] = {}

    def add(self, connection: Connection, index: int) -> None:
        """Send the item `index`, facts first, to `connection`."""
        self._wanted.setdefault(connection, []).append(index)

    def send(self) -> None:
        """Queue the frames; nobody is waited for."""
        for connection, indexes in self._wanted.items():
            key = (connection.format, tuple(indexes))
            frames = self._frames.get(key)
            if frames is None:
                items = [self._item(connection, index) for index in indexes]
                frames = connection.encoder.frames(items, self._through_seq, self._epoch)
                self._frames[key] = frames
            for frame in frames:
                connection.push(frame, self._through_seq, self._epoch)

    def _item(self, connection: Connection, index: int) -> bytes:
        key = (connection.format, index)
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = self._encode(connection, index)
        return item

    def _encode(self, connection: Connection, index: int) -> bytes:
        if index < len(self._facts):
            return connection.encoder.fact(self._facts[index])
        return connection.encoder.update(self._updates[index - len(self._facts)], self._at)
