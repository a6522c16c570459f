"""Each worker has a name that is its own."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.jobs import JobsWorld
from tidemill.jobs.contract import JobState
from tidemill.jobs.protocol.messages import Refused

pytestmark = pytest.mark.anyio


@pytest.mark.each_database(reason="two transactions race for one name")
async def test_of_workers_that_come_under_one_name_at_once_one_is_welcome(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tidemill.jobs.dispatching.dispatcher.reception.predecessor_seconds_max", 0.1
    )
    async with world.dispatching_now() as dispatcher:
        both = await asyncio.gather(world.connect("same"), world.connect("same"))
        for worker in both:
            await worker.news(lambda worker=worker: worker.welcome or worker.other)
        (welcome,) = [worker for worker in both if worker.welcome]
        (refused,) = [worker for worker in both if not worker.welcome]
        job = await world.a_job()
        await welcome.end(await welcome.assignment(job))
        await world.until_state(job, JobState.SUCCEEDED)
        names = set(dispatcher.sessions)
        for worker in both:
            await worker.leave()

    assert isinstance(refused.other[0], Refused)
    assert "is connected" in refused.other[0].reason
    assert names == {"same"}
