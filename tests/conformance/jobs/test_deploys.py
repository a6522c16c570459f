"""Deployments at the same time, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.fixtures.jobs import JobsWorld
from tidemill.jobs.code.scripts.service import Deployment, ScriptService

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
