from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures.schedules import ScheduleWorld, make_schedules
from tests.fixtures.stores import StoresKind


@pytest.fixture(params=["sqlite", "schema"], ids=["sqlite", "postgres"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ScheduleWorld]:
    async with make_schedules(cast("StoresKind", request.param), tmp_path) as made:
        yield made
