from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.board import BoardWorld, make_board


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BoardWorld]:
    async with make_board("sqlite", tmp_path) as board:
        yield board
