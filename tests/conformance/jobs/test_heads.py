"""What jobs run of scripts that were changed a moment ago, here and by another process."""

from __future__ import annotations

import pytest

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import a_tenant
from tidemill.jobs.code.scripts.heads import known_seconds
from tidemill.jobs.code.scripts.models import Version
from tidemill.jobs.code.scripts.service import Deployment, ScriptService
from tidemill.jobs.errors import ScriptNotFound

pytestmark = pytest.mark.anyio


def a_process(world: JobsWorld) -> ScriptService:
    return ScriptService(world.stores.tenants, bytes_max=100_000, clock=world.clock)


async def deploy(world: JobsWorld, scripts: ScriptService, number: int) -> Version:
    content = f"def main():\n    return {number}\n"
    wanted = Deployment(path="tides/read", language="python", content=content)
    return (await scripts.deploy(wanted, actor=world.actor)).head


async def runs(world: JobsWorld, scripts: ScriptService) -> Version:
    return await scripts.runnable("tides/read", {}, actor=world.actor, allowed=True)


async def test_what_was_deployed_here_runs_at_once(world: JobsWorld) -> None:
    scripts = a_process(world)
    first = await deploy(world, scripts, 1)
    assert (await runs(world, scripts)).content_hash == first.content_hash

    second = await deploy(world, scripts, 2)

    assert (await runs(world, scripts)).content_hash == second.content_hash


async def test_what_was_archived_here_is_refused_at_once(world: JobsWorld) -> None:
    scripts = a_process(world)
    await deploy(world, scripts, 1)
    await runs(world, scripts)

    await scripts.archive("tides/read", actor=world.actor)

    with pytest.raises(ScriptNotFound):
        await runs(world, scripts)


async def test_what_another_process_deployed_runs_a_second_later(world: JobsWorld) -> None:
    here, there = a_process(world), a_process(world)
    await deploy(world, here, 1)
    await runs(world, here)

    second = await deploy(world, there, 2)
    world.clock.advance(known_seconds)

    assert (await runs(world, here)).content_hash == second.content_hash


async def test_what_another_process_archived_is_refused_a_second_later(world: JobsWorld) -> None:
    here, there = a_process(world), a_process(world)
    await deploy(world, here, 1)
    await runs(world, here)

    await there.archive("tides/read", actor=world.actor)
    world.clock.advance(known_seconds)

    with pytest.raises(ScriptNotFound):
        await runs(world, here)


async def test_a_read_that_began_before_a_deployment_is_not_kept(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = a_process(world)
    await deploy(world, scripts, 1)
    second: list[Version] = []
    read = world.stores.tenants.read

    async def read_and_then_deploy(*given: object) -> object:
        monkeypatch.undo()
        found: object = await read(*given)  # type: ignore[arg-type]
        second.append(await deploy(world, scripts, 2))
        return found

    monkeypatch.setattr(world.stores.tenants, "read", read_and_then_deploy)
    await runs(world, scripts)

    assert (await runs(world, scripts)).content_hash == second[0].content_hash


async def test_a_tenant_does_not_run_the_script_of_another(world: JobsWorld) -> None:
    scripts = a_process(world)
    await deploy(world, scripts, 1)
    await runs(world, scripts)

    stranger = world.an_actor(await a_tenant(world.stores))
    with pytest.raises(ScriptNotFound):
        await scripts.runnable("tides/read", {}, actor=stranger, allowed=True)
