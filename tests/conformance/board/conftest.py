from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, cast

import pytest

from tests.fixtures.board import BoardWorld, make_board
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind

# Where PostgreSQL does something of its own: locks, its planner, its text search, its migrations.
_BOTH_IN_EACH_RUN: Final = frozenset({
    "test_dependency_cycles.py",
    "test_field_merges.py",
    "test_filters.py",
    "test_handle_migration.py",
    "test_query_plans.py",
    "test_rank_migration.py",
    "test_project_reports.py",
    "test_search.py",
    "test_time_reports.py",
    "test_timers.py",
})  # fmt: skip
_RACES: Final = ("race", "racing", "at_once", "concurrent", "meanwhile", "one_of_a_project")
_REASON: Final = "the statements are those that SQLite runs; races and plans stay on both"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the full tier what PostgreSQL does as SQLite does."""
    for item in items:
        if item.path.parent != Path(__file__).parent or "[schema" not in item.name:
            continue
        if item.path.name not in _BOTH_IN_EACH_RUN and not any(w in item.name for w in _RACES):
            item.add_marker(pytest.mark.full(reason=_REASON))


@pytest.fixture(params=KINDS_BY_TIER)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BoardWorld]:
    async with make_board(cast("StoresKind", request.param), tmp_path) as board:
        yield board
