"""Programs say how their jobs are placed, on both databases."""

from __future__ import annotations

import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tidemill import Requires
from tidemill.jobs.strategy_errors import InvalidStrategy, RequirementWithoutEffect

pytestmark = pytest.mark.anyio
seconds = 60.0


async def test_set_strategy_integration_places_jobs_of_its_tag(shop: Shop) -> None:
    await shop.app.set_strategy("default", workers="affinity", order="priority_fifo")
    double = program.double.options(
        app=shop.app, affinity_key="customer-1", requires=Requires(cpu=0.5)
    )
    async with shop.app.worker():
        jobs = await double.enqueue_many([(1,), (2,), (3,)])

        assert [await job.result(seconds) for job in jobs] == [2, 4, 6]


async def test_options_integration_refuse_what_would_have_no_effect(shop: Shop) -> None:
    with pytest.raises(RequirementWithoutEffect, match="requires"):
        await program.double.options(app=shop.app, requires=Requires(cpu=1)).enqueue(1)
    with pytest.raises(RequirementWithoutEffect, match="affinity_key"):
        await program.double.options(app=shop.app, affinity_key="k").enqueue(1)
    with pytest.raises(InvalidStrategy, match="affinity_wait_seconds"):
        await shop.app.set_strategy("default", affinity_wait_seconds=-1)
