"""What happens in a private project is told live to those who may read it, and to no others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.unit.events.live.watching import names_of
from tests.unit.events.world import World, a_user, a_world
from tidemill.board.contract import JobSummary
from tidemill.board.job_links.service import BoardForOthers
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.live.service import LiveProjects
from tidemill.board.project_access.models import ProjectRole, ProjectVisibility
from tidemill.board.project_members.service import ProjectMemberService
from tidemill.board.projects.models import Project, ProjectChanges
from tidemill.board.projects.service import ProjectService
from tidemill.board.transfers.models import NewTransfer
from tidemill.board.transfers.service import TransferService
from tidemill.board.versions import ANY_VERSION
from tidemill.board.work_items.models import NewWorkItem, WorkItem
from tidemill.board.work_items.service import WorkItemService
from tidemill.core.actor import Actor, ActorKind, Role
from tidemill.core.clock import Instant
from tidemill.core.facts import Topic, topic
from tidemill.core.ids import UserId
from tidemill.core.ports import FactBatch, Tx
from tidemill.events.live.connection import TRY_LATER, Connection, Limits
from tidemill.events.live.feed import TENANT_TOPIC
from tidemill.events.live.hub import Hub
from tidemill.events.live.presence.service import Presence
from tidemill.events.live.updates import BusLiveUpdates
from tidemill.events.wire import Format
from tidemill.identity.contract import MemberRemoved

pytestmark = pytest.mark.anyio

_ADD_PERSON: Final = """
    INSERT INTO people (tenant_id, user_id, name, state, role)
    VALUES (:tenant_id, :user_id, :user_id, 'active', 'member')
"""


class Live:
    """A board, and those who watch it: Ada owns the private project, Bob views it, Eve may not."""

    def __init__(self, world: World) -> None:
        tenants, limits = world.stores.tenants, BoardLimits()
        self.world = world
        self.ada, self.bob, self.eve = (self._person(name) for name in ("ada", "bob", "eve"))
        self.projects = ProjectService(tenants, limits)
        self.members = ProjectMemberService(tenants)
        self.items = WorkItemService(tenants, limits)
        self.transfers = TransferService(tenants, limits)
        visibility = LiveProjects(tenants)
        self.sees_topic = visibility.sees_topic
        self.hub = Hub(
            bus=world.bus,
            stream=world.stream,
            visibility=visibility,
            still_valid=self._still_valid,
            clock=world.clock,
            limits=Limits(),
        )
        updates = BusLiveUpdates(world.bus)
        self.presence = Presence(self.hub, world.bus, updates, visibility, world.clock)
        self._told = 0

    def _person(self, name: str, role: Role = Role.MEMBER) -> Actor:
        return a_user(self.world.tenant, user_id=name, role=role)

    async def _still_valid(self, actor: Actor) -> bool:
        return actor.user_id is not None

    async def begin(self) -> Project:
        """Return the private project."""

        def use_case(tx: Tx) -> None:
            for one in (self.ada, self.bob, self.eve):
                tx.execute(_ADD_PERSON, user_id=one.id)

        await self.world.stores.tenants.write(self.world.tenant, use_case)
        project = await self.a_project("HIDE", ProjectVisibility.PRIVATE)
        await self.members.put("HIDE", "bob", ProjectRole.VIEWER, actor=self.ada)
        return project

    async def a_project(
        self, key: str, visibility: ProjectVisibility = ProjectVisibility.TENANT
    ) -> Project:
        return await self.projects.create((key, key, None), visibility=visibility, actor=self.ada)

    async def an_item(self, project: str = "HIDE") -> WorkItem:
        new = NewWorkItem(item_type="task", title="Read the tide tables", project=project)
        return await self.items.create(new, actor=self.ada)

    async def turn(self, visibility: ProjectVisibility) -> None:
        """Say who sees the private project."""
        changes = ProjectChanges(visibility=visibility)
        await self.projects.change("HIDE", changes, ANY_VERSION, actor=self.ada)

    async def tell(self) -> list[str]:
        """Bring what happened since to the hub; return the types of it."""
        facts = await self.world.stream.after(self.world.tenant, self._told)
        self._told = facts[-1].seq
        await self.world.bus.publish(
            [FactBatch(tenant_id=self.world.tenant, through=self._told, facts=tuple(facts))]
        )
        return [fact.type for fact in facts]

    @contextlib.asynccontextmanager
    async def watching(
        self, actor: Actor, *topics: Topic, since: int | None = None
    ) -> AsyncIterator[Connection]:
        """Hold a connection open that follows topics, all of the tenant by default."""
        async with self.hub.connected(actor, Format.JSON) as connection:
            with self.presence.attended(connection):
                await self.hub.subscribe(connection, topics or (TENANT_TOPIC,), since=since)
                await connection.next_frames()
                yield connection


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with a_world(tmp_path) as world:
        live = Live(world)
        await live.hub.start()
        await live.presence.start()
        try:
            yield live
        finally:
            await live.presence.stop()
            await live.hub.stop()


async def test_live_integration_a_private_project_reaches_those_who_may_read_it(live: Live) -> None:
    await live.begin()
    await live.tell()
    async with live.watching(live.bob) as bob, live.watching(live.eve) as eve:
        await live.an_item()
        await live.a_project("OPEN")
        told = await live.tell()

        assert told == ["WorkItemCreated", "ProjectCreated"]
        assert await _types(bob, 2) == told
        assert await _types(eve, 1) == ["ProjectCreated"]


async def test_live_integration_what_happened_before_is_kept_from_others_too(live: Live) -> None:
    await live.begin()
    await live.an_item()
    await live.a_project("OPEN")
    async with live.watching(live.eve, TENANT_TOPIC, since=0) as eve:
        # What was missed came before; the next one comes alone.
        await live.tell()
        await live.a_project("NEXT")
        await live.tell()

        assert await _types(eve, 1) == ["ProjectCreated"]


async def test_live_integration_a_removed_member_hears_nothing_more(live: Live) -> None:
    project = await live.begin()
    await live.tell()
    here = topic("project", project.id)
    async with live.watching(live.bob) as bob, live.watching(live.bob, here) as near:
        await live.members.remove("HIDE", "bob", actor=live.ada)
        await live.an_item()
        await live.a_project("OPEN")
        await live.tell()

        assert await _types(bob, 1) == ["ProjectCreated"]
        assert near.closed is not None
        assert near.closed.code == TRY_LATER, "what it followed is gone for it"


async def test_live_integration_who_left_the_tenant_is_a_member_of_no_project(live: Live) -> None:
    project = await live.begin()
    await live.tell()
    here = topic("project", project.id)
    async with live.watching(live.bob):
        assert live.sees_topic(live.bob, here)

        def leave(tx: Tx) -> None:
            tx.record(MemberRemoved(user_id=UserId("bob")), by=live.ada)

        await live.world.stores.tenants.write(live.world.tenant, leave)
        await live.tell()

        assert not live.sees_topic(live.bob, here)


async def test_live_integration_a_project_becomes_private_and_open_again(live: Live) -> None:
    await live.begin()
    await live.turn(ProjectVisibility.TENANT)
    await live.tell()
    async with live.watching(live.eve) as eve:
        await live.an_item()
        await live.turn(ProjectVisibility.PRIVATE)
        await live.an_item()
        await live.tell()
        await live.turn(ProjectVisibility.TENANT)
        await live.an_item()
        await live.tell()

        types = await _types(eve, 3)

    assert types == ["ProjectUpdated", "ProjectVisibilityChanged", "WorkItemCreated"]


async def test_live_integration_presence_in_a_private_project_is_for_its_members(
    live: Live,
) -> None:
    await live.begin()
    item = await live.an_item()
    await live.tell()
    at = topic("work-item", item.id)
    async with live.watching(live.bob, at) as bob, live.watching(live.eve, at) as eve:
        for one in (eve, bob):
            await live.hub.place(one, (at,))
            live.presence.declare(one, (at,), ())
        told = await _presence(bob)

        assert [person["user_id"] for person in told["people"]] == ["bob"]
        assert "ephemeral" not in names_of(_waiting(eve))


async def test_live_integration_a_member_who_goes_is_there_no_more(live: Live) -> None:
    project = await live.begin()
    await live.tell()
    at = topic("project", project.id)
    async with live.watching(live.ada, at) as ada, live.watching(live.bob) as bob:
        live.presence.declare(bob, (at,), ())
        assert (await _presence(ada))["count"] == 1
        await live.members.remove("HIDE", "bob", actor=live.ada)
        await live.tell()
        live.presence.look()

        assert (await _presence(ada))["count"] == 0


async def test_live_integration_an_item_that_moves_takes_its_followers_that_may(
    live: Live,
) -> None:
    await live.begin()
    await live.a_project("OPEN")
    item = await live.an_item("OPEN")
    await live.tell()
    at = topic("work-item", item.id)
    async with live.watching(live.bob, at) as bob, live.watching(live.eve, at) as eve:
        await live.transfers.transfer(item.id, NewTransfer(project="HIDE"), actor=live.ada)
        told = await live.tell()

        assert await _types(bob, 1) == told
        assert eve.closed is not None


async def test_live_integration_a_guest_hears_of_its_project_alone(live: Live) -> None:
    project = await live.begin()
    await live.tell()
    guest = Actor(
        kind=ActorKind.GUEST,
        id="link",
        tenant_id=live.world.tenant,
        role=Role.VIEWER,
        project_id=project.id,
    )
    async with live.watching(guest) as watching:
        await live.a_project("OPEN")
        await live.an_item("OPEN")
        await live.members.put("HIDE", "eve", ProjectRole.VIEWER, actor=live.ada)
        await live.members.remove("HIDE", "eve", actor=live.ada)
        item = await live.an_item()
        await live.tell()

        assert await _types(watching, 1) == ["WorkItemCreated"]
        assert watching.closed is None
        assert live.sees_topic(guest, topic("work-item", item.id))
        assert not live.sees_topic(guest, topic("user", "ada"))


async def test_live_integration_a_guest_hears_neither_of_jobs_nor_who_is_there(live: Live) -> None:
    project = await live.begin()
    item = await live.an_item()
    await live.tell()
    guest = Actor(
        kind=ActorKind.GUEST,
        id="link",
        tenant_id=live.world.tenant,
        role=Role.VIEWER,
        project_id=project.id,
    )
    board = BoardForOthers(live.world.stores.tenants, BoardLimits())
    summary = JobSummary(id="a-job", state="succeeded", queued_at=Instant(1), error="a trace")
    at = topic("project", project.id)
    async with live.watching(guest, at) as watching, live.watching(live.bob, at) as bob:
        live.presence.declare(bob, (at,), ())
        assert (await _presence(bob))["count"] == 1
        await live.world.stores.tenants.write(
            live.world.tenant, lambda tx: board.show_job(tx, item.id, summary, by=live.ada)
        )
        await live.tell()
        [heard] = await _messages(watching, 1)
        [known] = await _messages(bob, 1)

    assert "a-job" in str(known)
    assert heard["header"]["type"] == "WorkItemUpdated"
    assert "a-job" not in str(heard)
    assert "job_result" not in str(heard)


async def test_live_integration_a_job_is_heard_of_by_all_and_its_item_by_admins(
    live: Live,
) -> None:
    await live.begin()
    item = await live.an_item()
    await live.tell()
    root = live._person("root", Role.ADMIN)
    at = topic("job", "j")
    data = {"job_id": "j", "work_item_id": item.id}
    topics = (at, topic("work-item", item.id))
    async with (
        live.watching(live.eve, at) as eve,
        live.watching(live.bob, at) as bob,
        live.watching(root, at) as admin,
        # Whether somebody follows the item makes no difference to others.
        live.watching(live.bob, topics[1]),
    ):
        updates = BusLiveUpdates(live.world.bus)
        updates.publish(live.world.tenant, topics, "JobStateChanged", data)
        heard = [str((await _messages(one, 1))[0]) for one in (eve, bob, admin)]

    assert [item.id in one for one in heard] == [False, False, True]
    assert ["'j'" in one for one in heard] == [True] * 3


async def _messages(connection: Connection, count: int) -> list[dict[str, Any]]:
    """Return facts; the first frames of all, where they are of another kind, fail the test."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            for frame in await connection.next_frames():
                message = msgspec.json.decode(frame)
                found += message["batch"]["messages"] if "batch" in message else [message]
    return found


async def _types(connection: Connection, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            for frame in await connection.next_frames():
                message = msgspec.json.decode(frame)
                batch = message["batch"]["messages"] if "batch" in message else [message]
                found += [one["header"]["type"] for one in batch if "header" in one]
    return found


async def _presence(connection: Connection) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            for frame in await connection.next_frames():
                message = msgspec.json.decode(frame)
                batch = message["batch"]["messages"] if "batch" in message else [message]
                for one in batch:
                    if "ephemeral" in one:
                        return dict(one["ephemeral"]["data"])


def _waiting(connection: Connection) -> list[bytes]:
    return [frame for frame, _ in connection._queue]
