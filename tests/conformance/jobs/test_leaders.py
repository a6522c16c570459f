"""Who leads of several dispatchers, and since when the one before did not."""

from __future__ import annotations

import anyio
import pytest

from tests.fixtures.jobs import JobsWorld, news_seconds_max
from tidemill.core.ids import INSTALLATION

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="one process owns a SQLite directory"),
]

TERM = 0.2


async def test_leadership_goes_to_another_one_when_its_term_is_over(world: JobsWorld) -> None:
    if await _dialect(world) == "sqlite":
        pytest.skip("one process owns a SQLite directory")
    assert await world.dispatching.lead("first", seconds=60) == 0
    assert await world.dispatching.lead("second", seconds=60) is None
    assert await world.dispatching.lead("first", seconds=TERM) is not None
    with anyio.fail_after(news_seconds_max):
        while (silent := await world.dispatching.lead("second", seconds=TERM)) is None:  # noqa: ASYNC110 - what the store says
            await anyio.sleep(0.01)

    assert silent >= TERM


async def test_leadership_that_was_given_up_tells_nothing_of_the_time_before(
    world: JobsWorld,
) -> None:
    await world.dispatching.lead("first", seconds=60)
    await world.dispatching.resign("first")

    assert await world.dispatching.lead("second", seconds=60) == 0


async def _dialect(world: JobsWorld) -> str:
    return await world.stores.jobs.read(INSTALLATION, lambda tx: tx.dialect)
