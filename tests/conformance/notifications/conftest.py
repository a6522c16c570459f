from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures.notifications import NotificationWorld, a_world, notification_stores
from tests.fixtures.stores import KINDS_BY_TIER, StoreClock, StoresKind
from tidemill.infrastructure.database import Stores


@pytest.fixture(scope="package", params=KINDS_BY_TIER)
async def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Stores, StoreClock]]:
    """Stores for all tests of this folder: to make them costs more than what is tested."""
    kind = cast("StoresKind", request.param)
    async with notification_stores(kind, tmp_path_factory.mktemp("notifications")) as made:
        yield made


@pytest.fixture
async def world(opened: tuple[Stores, StoreClock], tmp_path: Path) -> NotificationWorld:
    """A tenant of the test's own."""
    return await a_world(*opened, tmp_path)
