"""Brings who is where to whoever follows the same topic, in every process.

A process tells the others who is there through it, when that changes and again every few seconds;
what was lost on the way, or whose process was killed, is right again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import structlog
import uuid_utils
from msgspec import Struct

from tidemill.core.actor import ActorKind
from tidemill.core.clock import Clock
from tidemill.core.facts import Topic
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Ephemeral, EventBus, LiveUpdates
from tidemill.events.contract import Visibility
from tidemill.events.errors import InvalidTopic, TooManyPresenceMessages
from tidemill.events.live.connection import Connection
from tidemill.events.live.hub import Hub
from tidemill.events.live.presence.models import Allowance, Person, Room, topics_max
from tidemill.events.live.presence.place import Place

log = structlog.get_logger(__name__)

silent_seconds_max: Final = 60.0
repeat_seconds: Final = 10.0
elsewhere_seconds: Final = 30.0
look_seconds: Final = 1.0
PRESENCE_CHANGED: Final = "PresenceChanged"
_TOLD: Final = "presence.told"


class _Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What processes tell each other: a room, a question for all rooms, or a farewell."""

    process: str
    room: Room | None = None
    asks: bool = False
    leaves: bool = False


class _Guest(Struct, kw_only=True):
    topics: frozenset[Topic] = frozenset()
    heard_at: float
    allowance: Allowance


class Presence:
    """Who is looking at what and who is writing, for as long as their connections say so."""

    def __init__(
        self, hub: Hub, bus: EventBus, updates: LiveUpdates, visibility: Visibility, clock: Clock
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._updates = updates
        self._visibility = visibility
        self._clock = clock
        self._process = str(uuid_utils.uuid7())
        self._guests: dict[Connection, _Guest] = {}
        self._places: dict[tuple[TenantId, Topic], Place] = {}
        self._looker: asyncio.Task[None] | None = None
        bus.on_ephemeral(self._hear)
        bus.on_gap(self._ask)
        hub.on_followed(self._show_to)

    async def start(self) -> None:
        """Ask the other processes who is there."""
        self._ask()

    async def stop(self) -> None:
        """Tell the other processes that nobody is there through this one any more."""
        if self._looker is not None:
            self._looker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looker
        for place in self._places.values():
            if place.handle is not None:
                place.handle.cancel()
        self._places.clear()
        self._tell(INSTALLATION, _Told(process=self._process, leaves=True))

    @contextlib.contextmanager
    def attended(self, connection: Connection) -> Iterator[None]:
        """Let `connection` be where it says for the block, and nowhere afterwards."""
        now = self._clock.monotonic()
        self._guests[connection] = _Guest(heard_at=now, allowance=Allowance(since=now))
        try:
            yield
        finally:
            self._move(connection, frozenset(), frozenset())
            del self._guests[connection]

    def heard(self, connection: Connection) -> None:
        """Note that the client is alive; who is silent for a minute is there no more."""
        self._guests[connection].heard_at = self._clock.monotonic()

    def declare(
        self, connection: Connection, topics: Sequence[Topic], typing: Sequence[Topic]
    ) -> None:
        """Let `connection` be at `topics` alone, and type at `typing` for eight seconds.

        A topic that its actor may not see is passed over. Raises `InvalidTopic` for too many of
        them, and `TooManyPresenceMessages`.
        """
        if connection.actor.kind is ActorKind.GUEST:
            return  # A guest is nobody whom others know.
        wanted = {*topics, *typing}
        if len(wanted) > topics_max:
            raise InvalidTopic(f"One connection is at {topics_max} topics at most.")
        guest = self._guests[connection]
        allowance = guest.allowance.taken(self._clock.monotonic())
        if allowance is None:
            raise TooManyPresenceMessages
        guest.allowance = allowance
        seen = frozenset(topic for topic in wanted if self._may_see(connection, topic))
        self._move(connection, seen, seen.intersection(typing))

    def _may_see(self, connection: Connection, topic: Topic) -> bool:
        room = Room(topic=topic)
        return self._visibility.sees_update(
            connection.actor, _shown(connection.actor.tenant_id, room)
        )

    def _move(
        self, connection: Connection, topics: frozenset[Topic], typing: frozenset[Topic]
    ) -> None:
        guest, actor = self._guests[connection], connection.actor
        now = self._clock.monotonic()
        for topic in guest.topics - topics:
            place = self._places.get((actor.tenant_id, topic))
            if place is not None:
                place.leave(connection)
                self._act_soon(place)
        person = Person(user_id=actor.user_id or actor.id, kind=actor.kind)
        for topic in topics:
            place = self._place(actor.tenant_id, topic)
            place.enter(connection, person, typing=topic in typing, now=now)
            self._act_soon(place)
        guest.topics = topics

    def _place(self, tenant_id: TenantId, topic: Topic) -> Place:
        key = (tenant_id, topic)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place(tenant_id, topic)
            if self._looker is None or self._looker.done():
                self._looker = asyncio.create_task(self._look_on(), name="presence")
        return place

    def _act_soon(self, place: Place) -> None:
        # Whatever changes meanwhile goes into the same word.
        if place.handle is None:
            loop = asyncio.get_running_loop()
            wait = place.wait_seconds(self._clock.monotonic())
            place.handle = loop.call_later(wait, self._act, place)

    def _act(self, place: Place) -> None:
        place.handle = None
        now = self._clock.monotonic()
        place.acted(now)
        room = place.everybody(now)
        if room != place.shown:
            place.shown = room
            self._hub.tell(_shown(place.tenant_id, room))
        here = place.here(now)
        if here != place.told:
            self._tell_room(place, here, now)

    def _tell_room(self, place: Place, here: Room, now: float) -> None:
        place.told, place.told_at = here, now
        self._tell(place.tenant_id, _Told(process=self._process, room=here))

    def _tell(self, tenant_id: TenantId, told: _Told) -> None:
        if self._bus.shared:
            self._updates.publish(tenant_id, (), _TOLD, told)

    def _ask(self) -> None:
        self._tell(INSTALLATION, _Told(process=self._process, asks=True))

    def _hear(self, update: Ephemeral) -> None:
        if update.type != _TOLD:
            return
        try:
            told = msgspec.json.decode(update.data, type=_Told)
        except msgspec.DecodeError as error:
            log.warning("presence.unreadable", reason=str(error))
            return
        if told.process == self._process:
            return
        until = self._clock.monotonic() + elsewhere_seconds
        if told.room is not None:
            place = self._place(update.tenant_id, told.room.topic)
            place.hear(told.process, told.room, until=until)
            self._act_soon(place)
        elif told.leaves:
            for place in self._places.values():
                place.hear(told.process, Room(topic=place.topic), until=until)
                self._act_soon(place)
        elif told.asks:
            self._repeat_soon()

    def _repeat_soon(self) -> None:
        for place in self._places.values():
            if place.has_people_here:
                # It differs from what is there, so that it is told again, at the usual pace.
                place.told = Room(topic=place.topic, count=-1)
                self._act_soon(place)

    def _show_to(self, connection: Connection, topics: Sequence[Topic]) -> None:
        for topic in topics:
            place = self._places.get((connection.actor.tenant_id, topic))
            if place is not None and place.shown.count:
                self._hub.tell_one(connection, _shown(place.tenant_id, place.shown))

    async def _look_on(self) -> None:
        # A process in which nobody is anywhere does not wake for it.
        while self._places:
            await asyncio.sleep(look_seconds)
            try:
                self.look()
            except Exception:
                # A fault in one place must not keep everybody else there for ever.
                log.exception("presence.look.broke")

    def look(self) -> None:
        """Notice who fell silent and who stopped typing; tell again what holds."""
        now = self._clock.monotonic()
        for connection, guest in self._guests.items():
            if guest.topics and now - guest.heard_at > silent_seconds_max:
                self._move(connection, frozenset(), frozenset())
            unseen = {one for one in guest.topics if not self._may_see(connection, one)}
            if unseen:
                self._move(connection, guest.topics - unseen, frozenset())
        for key, place in list(self._places.items()):
            place.forget(now=now)
            here = place.here(now)
            if here != place.told or place.everybody(now) != place.shown:
                self._act_soon(place)
            elif place.has_people_here and now - place.told_at >= repeat_seconds:
                self._tell_room(place, here, now)
            if place.is_empty:
                del self._places[key]


def _shown(tenant_id: TenantId, room: Room) -> Ephemeral:
    return Ephemeral(
        tenant_id=tenant_id,
        topics=(room.topic,),
        type=PRESENCE_CHANGED,
        data=msgspec.Raw(msgspec.json.encode(room)),
    )
