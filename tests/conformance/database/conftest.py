from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures.stores import KINDS, StoreClock, StoresKind, make_stores
from tidemill.infrastructure.database import Stores


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> StoresKind:
    return cast("StoresKind", request.param)


@pytest.fixture
def clock() -> StoreClock:
    return StoreClock()


@pytest.fixture
async def stores(kind: StoresKind, tmp_path: Path, clock: StoreClock) -> AsyncIterator[Stores]:
    async with make_stores(kind, tmp_path, clock=clock) as opened:
        yield opened
