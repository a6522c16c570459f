"""Projects in repositories of git, on every kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld
from tests.fixtures.git_repository import BareRepository
from tidemill.board.contract import ProjectId
from tidemill.board.git_errors import GitSyncUnderWay
from tidemill.board.limits import BoardLimits
from tidemill.board.project_git.models import GitState, SyncRequest, WantedBinding
from tidemill.board.project_git.runner import GitRunner
from tidemill.board.project_git.service import GitBindingService, GitCredentials
from tidemill.board.project_git.syncing.service import Syncing
from tidemill.board.work_items.changing.models import Rules
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.actor import Actor, Role
from tidemill.core.git import GitFailed
from tidemill.core.sealing import Sealing
from tidemill.events import Marks
from tidemill.identity import Identity
from tidemill.infrastructure.git.repositories import CommandLineGit, GitLimits

pytestmark = pytest.mark.anyio
HOLD_SECONDS = 60.0


class _People:
    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    async def acting_for(self, user_id: str, *, by: Actor) -> Actor:
        del user_id, by
        return self._actor

    async def addresses(self, user_ids: Sequence[str], *, by: Actor) -> Mapping[str, str]:
        del by
        return dict.fromkeys(user_ids, "ada@example.org")


class Place:
    """A project of a world, its repository, and processes that sync both."""

    def __init__(self, world: BoardWorld, directory: Path, project_id: ProjectId) -> None:
        self.world = world
        self.project_id = project_id
        self.actor = structs.replace(world.actor, role=Role.OWNER)
        self.repository = BareRepository(directory / "repositories")
        limits = GitLimits(
            repository_bytes_max=10_000_000,
            files_max=1000,
            file_bytes_max=100_000,
            seconds_max=60,
            local_directory=str(directory / "repositories"),
        )
        self.git = CommandLineGit(_resolve, lambda host, port: None, limits)
        credentials = GitCredentials(cast("Sealing", None))
        marks = Marks(world.stores.control, "project_git")
        self.bindings = GitBindingService(
            world.stores.tenants, self.git, credentials, marks, lambda: None
        )
        self.syncing = Syncing(
            world.stores.tenants, BoardLimits(), credentials.opened, hold_seconds=HOLD_SECONDS
        )
        self.marks = marks

    def process(self, holder: str) -> GitRunner:
        people = cast("Identity", _People(self.actor))
        return GitRunner(self.syncing, self.git, people, self.marks, _rules, holder=holder)

    async def ask(self) -> None:
        request = SyncRequest(user_id=str(self.actor.user_id))
        await self.bindings.ask("TM", request, actor=self.actor)

    async def sync(self, holder: str = "a") -> Any:
        await self.process(holder).sync(self.actor.tenant_id, self.project_id)
        return (await self.bindings.get("TM", actor=self.actor)).report


@asynccontextmanager
async def _bound(world: BoardWorld, tmp_path: Path) -> AsyncIterator[Place]:
    project = await world.a_project()
    place = Place(world, tmp_path, project.id)
    wanted = WantedBinding(url=place.repository.url, directory="boards/tm")
    await place.bindings.put("TM", wanted, if_match=None, actor=place.actor)
    yield place


async def test_project_git_integration_syncs_both_ways(world: BoardWorld, tmp_path: Path) -> None:
    async with _bound(world, tmp_path) as place:
        await world.an_item(title="Dredge")
        await place.ask()
        first = await place.sync()
        place.repository.pull()
        place.repository.edit("boards/tm/items/TM-1.md", "title: Dredge", "title: Dredge twice")
        place.repository.write("boards/tm/items/new.md", "---\ntitle: New\nlabels: [a]\n---\n")
        place.repository.push()
        changes = WorkItemChanges(points=3)
        await world.items.change("TM-1", changes, actor=world.actor)
        await place.ask()
        second = await place.sync()
        await place.ask()
        third = await place.sync()

    assert [one.error for one in (first, second, third)] == [None] * 3
    assert (second.pulled_count, second.problems, second.conflicts) == (2, (), ())
    assert (third.pulled_count, third.pushed_count) == (0, 0)
    file = place.repository.read("boards/tm/items/TM-1.md")
    assert "title: Dredge twice\n" in file
    assert "points: 3\n" in file
    assert "boards/tm/items/TM-2.md" in place.repository.files()


async def test_project_git_integration_is_gone_on_with_when_its_process_was_killed(
    world: BoardWorld, tmp_path: Path
) -> None:
    async with _bound(world, tmp_path) as place:
        tenant_id, project_id = place.actor.tenant_id, place.project_id
        await world.an_item(title="Dredge")
        await place.ask()
        # The first process takes the sync, and is heard of no more.
        gone = await place.syncing.take(tenant_id, project_id, "gone")
        assert gone is not None
        with pytest.raises(GitSyncUnderWay):
            await place.ask()
        assert await place.syncing.take(tenant_id, project_id, "b") is None
        assert await place.syncing.due(tenant_id) == []

        world.clock.advance(HOLD_SECONDS + 1)
        due = await place.syncing.due(tenant_id)
        report = await place.sync("b")
        await place.process("gone")._failed(tenant_id, gone, "too late")
        after = await place.bindings.get("TM", actor=place.actor)

    assert due == [project_id]
    assert (report.outcome, report.error) == ("done", None)
    assert (after.state, after.report) == (GitState.IDLE, report)


async def _rules(actor: Actor) -> Rules:
    del actor
    return Rules()


def _resolve(host: str, port: int) -> Sequence[str]:
    raise GitFailed(f"{host}:{port} is not for tests.")
