"""One topic of one tenant: who is there through this process, and through others."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.events.live.connection import Connection
from tidemill.events.live.presence.models import (
    Person,
    Room,
    Stay,
    pause_seconds,
    people_shown_max,
    people_told_max,
    room_of,
    typing_seconds,
    unnamed,
)


class _Elsewhere(Struct, frozen=True):
    room: Room
    until: float


class Place:
    """Keeps who is there; says what has changed, and when it may be told."""

    def __init__(self, tenant_id: TenantId, topic: Topic) -> None:
        self.tenant_id = tenant_id
        self.topic = topic
        self.shown = self.told = Room(topic=topic)
        self.told_at = float("-inf")
        self.handle: asyncio.TimerHandle | None = None
        self._acted_at = float("-inf")
        self._here: dict[Connection, Stay] = {}
        self._elsewhere: dict[str, _Elsewhere] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to know or to tell of it."""
        nobody = not self._here and not self._elsewhere
        return nobody and self.handle is None and not self.shown.count and not self.told.count

    @property
    def has_people_here(self) -> bool:
        """Whether somebody is there through this process."""
        return bool(self._here)

    def enter(self, connection: Connection, person: Person, *, typing: bool, now: float) -> None:
        """Let `connection` be there, typing or not."""
        until = now + typing_seconds if typing else 0.0
        self._here[connection] = Stay(person=person, typing_until=until)

    def leave(self, connection: Connection) -> None:
        """Let it be there no more."""
        self._here.pop(connection, None)

    def hear(self, process: str, room: Room, *, until: float) -> None:
        """Take what another process tells; it holds `until` it is told again."""
        if room.count:
            self._elsewhere[process] = _Elsewhere(room, until)
        else:
            self._elsewhere.pop(process, None)

    def forget(self, *, now: float) -> None:
        """Drop what other processes have not repeated in time."""
        for process, one in list(self._elsewhere.items()):
            if one.until <= now:
                del self._elsewhere[process]

    def here(self, now: float) -> Room:
        """Return who is there through this process, for the others."""
        return room_of(
            self.topic, (stay.at(now) for stay in self._here.values()), most=people_told_max
        )

    def everybody(self, now: float) -> Room:
        """Return who is there through any process, for people."""
        rooms = [one.room for one in self._elsewhere.values()]
        people = [
            *(stay.at(now) for stay in self._here.values()),
            *(person for room in rooms for person in room.people),
        ]
        return room_of(self.topic, people, more=unnamed(rooms), most=people_shown_max)

    def wait_seconds(self, now: float) -> float:
        """Return how long the next word about this place has to wait."""
        size = max(self.shown.count, len(self._here))
        return max(0.0, self._acted_at + pause_seconds(size) - now)

    def acted(self, now: float) -> None:
        """Remember when the last word went out."""
        self._acted_at = now
