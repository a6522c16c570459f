"""Streams by the grants of folders, on a real SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.fixtures.stores import StoreClock, a_tenant, make_stores
from tidemill.core.actor import Actor, ActorKind, Role
from tidemill.core.clock import Instant
from tidemill.core.facts import FactActor, RecordedFact, Topic
from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Ephemeral
from tidemill.jobs.contract import JobId, JobQueued
from tidemill.jobs.folders.models import Level
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.folders.visibility import FolderVisibility

pytestmark = pytest.mark.anyio


class World:
    def __init__(self, folders: FolderService, tenant_id: TenantId, clock: StoreClock) -> None:
        self.folders = folders
        self.tenant_id = tenant_id
        self.clock = clock
        self.visibility = FolderVisibility(folders)
        self.admin, self.member = self.an_actor(Role.ADMIN), self.an_actor(Role.MEMBER)

    def an_actor(self, role: Role) -> Actor:
        return Actor(
            kind=ActorKind.USER,
            id=str(role),
            tenant_id=self.tenant_id,
            user_id=UserId(str(role)),
            role=role,
        )

    async def grant(self, **grants: Level) -> None:
        given = {f"role:{role}": level for role, level in grants.items()}
        await self.folders.put(
            "sales", description="", grants=given, expected_version=None, actor=self.admin
        )

    def hears(self, actor: Actor, path: str | None, function: str | None = None) -> bool:
        """Return whether `actor` hears of a job, which facts and updates must agree on."""
        queued = JobQueued(
            job_id=JobId("j"),
            work_item_id=None,
            trigger_id=None,
            script_path=path,
            function=function,
            queued_at=Instant(1),
            run_at=Instant(1),
        )
        fact = RecordedFact(
            id="f",
            tenant_id=self.tenant_id,
            seq=1,
            feature="jobs",
            type="JobQueued",
            subject="j",
            at=Instant(1),
            actor=FactActor(kind=ActorKind.USER, id="somebody"),
            topics=queued.topics(),
            data=msgspec.Raw(b"{}"),
        )
        update = Ephemeral(
            tenant_id=self.tenant_id, topics=queued.topics(), type="LogLines", data=fact.data
        )
        told = {
            self.visibility.sees_fact(actor, fact),
            self.visibility.sees_update(actor, update),
        }
        assert len(told) == 1
        return told.pop()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = StoreClock()
    async with make_stores("sqlite", tmp_path, clock=clock) as stores:
        tenant_id = await a_tenant(stores)
        yield World(FolderService(stores.tenants, clock, lambda: None), tenant_id, clock)


async def test_visibility_keeps_closed_folders_from_those_who_may_not_read(world: World) -> None:
    await world.grant()
    await world.visibility.prepare(world.tenant_id)

    assert not world.hears(world.member, "f/sales/report")
    assert not world.hears(world.member, None, "sales.tasks:report")
    assert not world.hears(world.member, "u/somebody/draft")
    assert world.hears(world.member, "reports/daily")
    assert world.hears(world.member, "f/other/report")
    assert world.hears(world.admin, "f/sales/report")


async def test_visibility_opens_with_a_grant(world: World) -> None:
    await world.grant(member=Level.READ)

    assert world.hears(world.member, "f/sales/report")


async def test_visibility_is_closed_before_anything_was_read(world: World) -> None:
    assert not world.hears(world.member, "f/sales/report")
    assert world.hears(world.admin, "f/sales/report")


async def test_visibility_follows_what_another_process_has_changed(world: World) -> None:
    await world.grant(member=Level.READ)
    elsewhere = FolderService(world.folders._database, world.clock, lambda: None)
    await elsewhere.put(
        "sales", description="", grants={}, expected_version=None, actor=world.admin
    )
    world.clock.advance(2)

    world.hears(world.member, "f/sales/report")
    await world.folders._reading[world.tenant_id]

    assert not world.hears(world.member, "f/sales/report")


def test_topics_of_facts_name_the_place() -> None:
    queued = JobQueued(
        job_id=JobId("j"),
        work_item_id="w",
        trigger_id=None,
        script_path="f/sales/report",
        queued_at=Instant(1),
        run_at=Instant(1),
    )

    assert queued.topics() == (Topic("job:j"), Topic("folder:sales"), Topic("work-item:w"))
