from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures.board import BoardWorld, make_board
from tests.fixtures.stores import KINDS, StoresKind


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BoardWorld]:
    async with make_board(cast("StoresKind", request.param), tmp_path) as board:
        yield board
