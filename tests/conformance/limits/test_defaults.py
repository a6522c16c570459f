"""Defaults of arguments count in what limits compare, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.turns import Turns
from tidemill.jobs.code.scripts.service import Deployment
from tidemill.jobs.contract import JobState
from tidemill.jobs.limits.models import Limits, Unique
from tidemill.jobs.queueing.queue.models import Job

pytestmark = pytest.mark.anyio


async def _run(world: JobsWorld, limits: Limits, **args: Any) -> Job:
    return await world.a_job(script_path="tides/read", args=args, limits=limits)


async def _deploy(world: JobsWorld) -> None:
    content = "def main(station: str, days: int = 3): return days"
    wanted = Deployment(path="tides/read", language="python", content=content)
    await world.scripts.deploy(wanted, actor=world.actor)


async def test_a_unique_call_with_and_without_a_written_default_is_one(world: JobsWorld) -> None:
    await _deploy(world)
    limits = Limits(unique=Unique())

    first = await _run(world, limits, station="Cuxhaven")
    same = await _run(world, limits, station="Cuxhaven", days=3)
    other = await _run(world, limits, station="Cuxhaven", days=4)

    assert same.id == first.id != other.id


async def test_a_result_answers_a_call_that_writes_the_default_out(
    world: JobsWorld, turns: Turns
) -> None:
    await _deploy(world)
    limits = Limits(cache_seconds=60)
    first = await _run(world, limits, station="Cuxhaven")
    await turns.take()
    await turns.end(first.id, result="3")

    same = await _run(world, limits, station="Cuxhaven", days=3)

    assert (same.state, same.cached_from) == (JobState.SUCCEEDED, first.id)
