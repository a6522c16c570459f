from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures.stores import KINDS, StoreClock, StoresKind, make_stores
from tidemill.infrastructure.database import Stores

# These are the suites by which the two are known to be alike.
_EACH = pytest.mark.each_database(reason="it is the databases themselves that are tested")


@pytest.fixture(params=[pytest.param(kind, marks=_EACH) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> StoresKind:
    return cast("StoresKind", request.param)


@pytest.fixture
def clock() -> StoreClock:
    return StoreClock()


@pytest.fixture
async def stores(kind: StoresKind, tmp_path: Path, clock: StoreClock) -> AsyncIterator[Stores]:
    async with make_stores(kind, tmp_path, clock=clock) as opened:
        yield opened
