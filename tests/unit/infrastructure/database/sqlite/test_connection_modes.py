from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.stores import a_tenant, make_stores

pytestmark = pytest.mark.anyio


@pytest.fixture
def everybody_may_read() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("everybody_may_read")
async def test_connect_makes_files_for_their_owner_alone(tmp_path: Path) -> None:
    async with make_stores("sqlite", tmp_path) as stores:
        await a_tenant(stores)

        modes = _modes(tmp_path)

    databases = {name for name in modes if ".db" in name}
    assert databases >= {"control.db", "jobs.db"}
    assert {name for name in databases if modes[name] != 0o600} == set()
    assert modes["tenants"] == 0o700


def _modes(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*")}
