from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures.jobs import JobsWorld, make_jobs
from tests.fixtures.stores import StoresKind


@pytest.fixture(params=["sqlite", "schema"], ids=["sqlite", "postgres"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[JobsWorld]:
    async with make_jobs(cast("StoresKind", request.param), tmp_path) as made:
        yield made
