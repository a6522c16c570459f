from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures.board import BoardWorld, make_board
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind


@pytest.fixture(params=KINDS_BY_TIER)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BoardWorld]:
    async with make_board(cast("StoresKind", request.param), tmp_path) as board:
        yield board
