from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import StoreClock, StoresKind, a_tenant, make_stores
from tidemill.infrastructure.database import Stores


@pytest.fixture(scope="package", params=["sqlite", "schema"], ids=["sqlite", "postgres"])
async def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Stores, StoreClock]]:
    """Stores for all tests here: to make them costs more than what is tested."""
    clock = StoreClock()
    kind = cast("StoresKind", request.param)
    async with make_stores(kind, tmp_path_factory.mktemp("control"), clock=clock) as stores:
        yield stores, clock


@pytest.fixture
async def world(shared: tuple[Stores, StoreClock], tmp_path: Path) -> JobsWorld:
    """A tenant of its own on stores that other tests use too; its jobs need tags of their own."""
    stores, clock = shared
    return JobsWorld(stores, await a_tenant(stores), clock, tmp_path)
