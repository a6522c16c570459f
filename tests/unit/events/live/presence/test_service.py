from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fixtures.stores import StoreClock, a_tenant
from tests.unit.events.live.watching import Live, a_live
from tests.unit.events.world import a_user
from tidemill.core.actor import Actor
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.events.errors import InvalidTopic, TooManyPresenceMessages
from tidemill.events.live.connection import Connection, Limits
from tidemill.events.live.hub import Hub
from tidemill.events.live.presence.models import changes_burst, people_shown_max, topics_max
from tidemill.events.live.presence.service import Presence
from tidemill.events.live.updates import BusLiveUpdates
from tidemill.events.live.visibility import MembersSeeTheirTenant
from tidemill.events.wire import Format
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio

ITEM = Topic("work-item:1")
SECRET = Topic("work-item:secret")


class SharedBus(InProcessBus):
    """Two processes of the test are on it."""

    shared = True


class NobodySeesSecrets(MembersSeeTheirTenant):
    """A rule under which one item is closed to all but its owner."""

    def sees_update(self, actor: Actor, update: Ephemeral) -> bool:
        mine = actor.tenant_id == update.tenant_id
        return mine and (SECRET not in update.topics or actor.user_id == "owner")


class Process:
    """A hub and its presence."""

    def __init__(self, live: Live) -> None:
        visibility, clock = NobodySeesSecrets(), live.world.clock
        self.clock: StoreClock = clock
        self.tenant = live.tenant
        self.updates = BusLiveUpdates(live.world.bus)

        async def valid(_: object) -> bool:
            return True

        self.hub = Hub(
            bus=live.world.bus,
            stream=live.world.stream,
            visibility=visibility,
            still_valid=valid,
            clock=clock,
            limits=Limits(),
        )
        self.presence = Presence(self.hub, live.world.bus, self.updates, visibility, clock)

    @contextlib.asynccontextmanager
    async def client(
        self, user_id: str, *, tenant: TenantId | None = None
    ) -> AsyncIterator[Client]:
        actor = a_user(tenant or self.tenant, user_id=user_id)
        async with self.hub.connected(actor, Format.JSON) as connection:
            with self.presence.attended(connection):
                yield Client(self, connection)


class Client:
    """Follows items and says where it is."""

    def __init__(self, process: Process, connection: Connection) -> None:
        self.connection = connection
        self._process = process

    async def follow(self, *topics: Topic) -> None:
        await self._process.hub.subscribe(self.connection, topics)

    def at(self, *topics: Topic, typing: tuple[Topic, ...] = ()) -> None:
        self._process.presence.declare(self.connection, topics, typing)

    async def told(self) -> list[dict[str, Any]]:
        """Return the rooms of the next frames that tell of one."""
        async with asyncio.timeout(60):
            while not (rooms := list(_rooms(await self.connection.next_frames()))):
                pass
        return rooms

    async def until(self, *people: str) -> dict[str, Any]:
        """Return the first room whose people are these; `name*` types."""
        async with asyncio.timeout(60):
            while True:
                for room in await self.told():
                    if sorted(people) == sorted(map(_word, room["people"])):
                        return room


def _rooms(frames: list[bytes]) -> Iterator[dict[str, Any]]:
    for frame in frames:
        message = msgspec.json.decode(frame)
        for one in message.get("batch", {}).get("messages", [message]):
            if one.get("ephemeral", {}).get("type") == "PresenceChanged":
                yield one["ephemeral"]["data"]


def _word(person: dict[str, Any]) -> str:
    return f"{person['user_id']}{'*' if person['typing'] else ''}"


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with a_live(tmp_path) as live:
        yield live


@pytest.fixture
async def process(live: Live) -> AsyncIterator[Process]:
    process = Process(live)
    yield process
    await process.presence.stop()


async def test_presence_tells_followers_who_comes_types_and_goes(process: Process) -> None:
    async with process.client("ada") as ada:
        await ada.follow(ITEM)
        async with process.client("bob") as bob:
            bob.at(ITEM)
            assert (await ada.until("bob"))["count"] == 1
            bob.at(typing=(ITEM,))
            await ada.until("bob*")
            bob.at(ITEM)
            await ada.until("bob")
        assert await ada.until() == {"topic": ITEM, "people": [], "count": 0}


async def test_presence_shows_a_newcomer_who_is_there(process: Process) -> None:
    async with process.client("ada") as ada, process.client("bob") as bob:
        await ada.follow(ITEM)
        ada.at(ITEM)
        await ada.until("ada")

        await bob.follow(ITEM)

        await bob.until("ada")


async def test_presence_is_one_person_with_two_windows(process: Process) -> None:
    async with process.client("ada") as ada, process.client("bob") as one:
        await ada.follow(ITEM)
        async with process.client("bob") as other:
            one.at(ITEM)
            other.at(ITEM, typing=(ITEM,))
            assert (await ada.until("bob*"))["count"] == 1
        await ada.until("bob")


async def test_presence_of_a_room_is_one_frame_for_all_that_happens_at_once(
    process: Process,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(process.client(f"u{number}")) for number in range(60)
        ]
        watcher = clients[0]
        await watcher.follow(ITEM)

        for client in clients:
            client.at(ITEM)

        (room,) = await watcher.told()
        assert (len(room["people"]), room["count"]) == (people_shown_max, 60)


async def test_presence_ends_the_typing_of_who_does_not_say_so_again(process: Process) -> None:
    async with process.client("ada") as ada, process.client("bob") as bob:
        await ada.follow(ITEM)
        bob.at(typing=(ITEM,))
        await ada.until("bob*")

        process.clock.advance(9)
        process.presence.look()

        await ada.until("bob")


async def test_presence_ends_for_whoever_is_silent_for_a_minute(process: Process) -> None:
    async with process.client("ada") as ada, process.client("bob") as bob:
        await ada.follow(ITEM)
        bob.at(ITEM)
        ada.at(ITEM)
        await ada.until("ada", "bob")

        process.clock.advance(61)
        process.presence.heard(ada.connection)
        process.presence.look()

        await ada.until("ada")


async def test_presence_is_for_those_who_may_see_the_item(process: Process, live: Live) -> None:
    other = await a_tenant(live.world.stores)
    async with (
        process.client("owner") as owner,
        process.client("eve") as eve,
        process.client("mallory", tenant=other) as mallory,
    ):
        for client in (owner, eve, mallory):
            await client.follow(SECRET, ITEM)
        eve.at(SECRET)  # She may not see it, so nobody sees her there.
        mallory.at(ITEM)
        owner.at(SECRET)
        await owner.until("owner")
        await mallory.until("mallory")
        owner.at(ITEM)

        for room in await eve.told():
            assert (room["topic"], [one["user_id"] for one in room["people"]]) == (ITEM, ["owner"])


async def test_presence_has_a_bound_of_messages_and_of_topics(process: Process) -> None:
    async with process.client("ada") as ada:
        with pytest.raises(InvalidTopic):
            ada.at(*(Topic(f"work-item:{number}") for number in range(topics_max + 1)))
        for _ in range(int(changes_burst)):
            ada.at(ITEM)
        with pytest.raises(TooManyPresenceMessages):
            ada.at(ITEM)

        process.clock.advance(1)

        ada.at(ITEM)


@contextlib.asynccontextmanager
async def two_processes(tmp_path: Path) -> AsyncIterator[tuple[Process, Process]]:
    async with a_live(tmp_path, bus=SharedBus()) as live:
        both = Process(live), Process(live)
        for one in both:
            await one.presence.start()
        try:
            yield both
        finally:
            for one in both:
                await one.presence.stop()
                await one.updates.stop()


async def test_presence_goes_to_the_other_process_and_ends_with_its_own(tmp_path: Path) -> None:
    async with (
        two_processes(tmp_path) as (here, there),
        here.client("ada") as ada,
        there.client("bob") as bob,
    ):
        await ada.follow(ITEM)
        await bob.follow(ITEM)
        ada.at(ITEM)
        bob.at(ITEM, typing=(ITEM,))
        await ada.until("ada", "bob*")
        await bob.until("ada", "bob*")

        await there.presence.stop()

        await ada.until("ada")


async def test_presence_of_a_process_that_was_killed_ends_by_itself(tmp_path: Path) -> None:
    async with (
        two_processes(tmp_path) as (here, there),
        here.client("ada") as ada,
        there.client("bob") as bob,
    ):
        await ada.follow(ITEM)
        bob.at(ITEM)
        await ada.until("bob")
        assert there.presence._looker is not None
        there.presence._looker.cancel()

        here.clock.advance(20)
        there.presence.look()  # It says again what holds,
        await there.updates.stop()
        here.clock.advance(20)
        here.presence.look()
        ada.at(ITEM)
        await ada.until("ada", "bob")

        here.clock.advance(31)  # and then no more.
        here.presence.heard(ada.connection)
        here.presence.look()
        await ada.until("ada")


async def test_presence_is_asked_for_by_a_process_that_starts(tmp_path: Path) -> None:
    async with (
        two_processes(tmp_path) as (here, there),
        here.client("ada") as ada,
        there.client("bob") as bob,
    ):
        await ada.follow(ITEM)
        ada.at(ITEM)
        await ada.until("ada")
        there.presence._places.clear()  # As if it had just been started.
        await bob.follow(ITEM)

        there.presence._ask()

        await bob.until("ada")
