"""Deployments at the same time, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld
from tidemill.jobs.code.scripts.service import Deployment, ScriptService
from tidemill.jobs.errors import InvalidJobField

pytestmark = pytest.mark.anyio
PACKAGES = '# /// script\n# dependencies = ["tides"]\n# ///\ndef main():\n    return 1\n'
PLAIN = "def main():\n    return 2\n"


async def test_a_version_with_packages_always_has_its_lock(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pin(_: str, contents: Sequence[str]) -> str:
        return "tides==1" if "dependencies" in contents[0] else ""

    scripts = ScriptService(world.stores.tenants, bytes_max=100_000, pin=pin)
    packed = Deployment(path="tides/read", language="python", content=PACKAGES)
    plain = Deployment(path="tides/read", language="python", content=PLAIN)
    await scripts.deploy(packed, actor=world.actor)
    check = scripts._needs_now

    async def another_comes_first(*args: Any) -> Any:
        monkeypatch.setattr(scripts, "_needs_now", check)
        needs = await check(*args)
        read = scripts._database.read

        async def read_and_let_another(*given: Any) -> Any:
            monkeypatch.undo()
            found = await read(*given)
            await scripts.deploy(plain, actor=world.actor)
            return found

        monkeypatch.setattr(scripts._database, "read", read_and_let_another)
        return needs

    monkeypatch.setattr(scripts, "_needs_now", another_comes_first)
    again = await scripts.deploy(packed, actor=world.actor)

    assert again.head.lock_hash is not None
    assert (await scripts.get("tides/read", actor=world.actor))[1] == PLAIN


async def test_jobs_are_tried_as_often_as_the_script_says_unless_they_say_it(
    world: JobsWorld,
) -> None:
    wanted = Deployment(path="tides", language="python", content=PLAIN, attempts_max=4)
    script = await world.scripts.deploy(wanted, actor=world.actor)

    of_the_script = await world.a_job(script_path="tides")
    of_its_own = await world.a_job(script_path="tides", attempts_max=2)
    fewer = await world.scripts.deploy(structs.replace(wanted, attempts_max=3), actor=world.actor)

    assert (of_the_script.attempts_max, of_its_own.attempts_max) == (4, 2)
    assert (script.head.attempts_max, fewer.head.attempts_max) == (4, 3)
    assert fewer.head.number == script.head.number + 1


async def test_deploy_refuses_attempts_that_no_job_may_have(world: JobsWorld) -> None:
    wanted = Deployment(path="tides", language="python", content=PLAIN, attempts_max=101)

    with pytest.raises(InvalidJobField, match="attempts_max must be between 1 and 100"):
        await world.scripts.deploy(wanted, actor=world.actor)
