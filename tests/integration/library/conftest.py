from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from tests.fixtures.library import QueueKind, Shop, make_shop


@pytest.fixture(params=["sqlite", "postgres"])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with make_shop(cast("QueueKind", request.param)) as made:
        yield made
