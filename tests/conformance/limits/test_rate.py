"""How often jobs of a key start, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.turns import Turns, limited
from tidemill.jobs.limits import repository
from tidemill.jobs.limits.models import (
    Concurrency,
    Rate,
)

pytestmark = pytest.mark.anyio


async def test_a_rate_spreads_starts_and_keeps_their_order(world: JobsWorld, turns: Turns) -> None:
    rate = Rate(limit=2, period_seconds=10, key="mail", burst=2)
    jobs = [await limited(world, rate=rate) for _ in range(5)]
    order = [await turns.take()]
    for _ in range(4):
        world.clock.advance(5)
        order.append(await turns.take())

    assert order == [[jobs[0].id, jobs[1].id], [jobs[2].id], [jobs[3].id], [jobs[4].id], []]


async def test_a_rate_without_a_burst_lets_no_two_go_at_once(
    world: JobsWorld, turns: Turns
) -> None:
    rate = Rate(limit=2, period_seconds=10, key="mail")
    jobs = [await limited(world, rate=rate) for _ in range(3)]
    order = [await turns.take()]
    for _ in range(4):
        world.clock.advance(2.5)
        order.append(await turns.take())

    assert order == [[jobs[0].id], [], [jobs[1].id], [], [jobs[2].id]]


async def test_a_raised_rate_counts_for_those_that_wait_already(
    world: JobsWorld, turns: Turns
) -> None:
    slow = Rate(limit=1, period_seconds=86_400, key="mail")
    jobs = [await limited(world, rate=slow) for _ in range(2)]
    assert await turns.take() == [jobs[0].id]
    world.clock.advance(60)

    jobs.append(await limited(world, rate=Rate(limit=1, key="mail")))

    order = [await turns.take()]
    for _ in range(2):
        world.clock.advance(1)
        order.append(await turns.take())
    assert order == [[], [jobs[1].id], [jobs[2].id]]


async def test_a_raised_rate_counts_where_the_one_that_says_so_waits_for_its_slot(
    world: JobsWorld, turns: Turns
) -> None:
    slow, fast = [Rate(limit=1, period_seconds=seconds, key="mail") for seconds in (86_400, 1)]
    first, second = [await limited(world, rate=slow) for _ in range(2)]
    holder = await limited(world, concurrency=Concurrency(key="harbour"))
    assert await turns.take() == [first.id, holder.id]

    third = await limited(world, rate=fast, concurrency=Concurrency(key="harbour"))

    assert (await world.job(third)).waits_for == "concurrency"
    order = []
    for _ in range(2):
        world.clock.advance(1)
        order.append(await turns.take())
    assert order == [[second.id], []]


async def test_a_lowered_rate_counts_for_those_that_wait_already(
    world: JobsWorld, turns: Turns
) -> None:
    fast, slow = [Rate(limit=1, period_seconds=seconds, key="mail") for seconds in (10, 100)]
    jobs = [await limited(world, rate=fast) for _ in range(2)]
    assert await turns.take() == [jobs[0].id]

    jobs.append(await limited(world, rate=slow))

    order = []
    for _ in range(2):
        world.clock.advance(99)
        order.append(await turns.take())
    assert order == [[], [jobs[1].id]]


async def test_a_bucket_never_lacks_more_than_it_holds_at_another_rate(
    world: JobsWorld, turns: Turns
) -> None:
    """What a large bucket lacked would be years in a small and slow one."""
    large = Rate(limit=1, period_seconds=1, burst=30, key="mail")
    jobs = [await limited(world, rate=large) for _ in range(30)]
    assert len(await turns.take()) == len(jobs)

    last = await limited(world, rate=Rate(limit=1, period_seconds=86_400, key="mail"))

    order = []
    for _ in range(2):
        world.clock.advance(86_399)
        order.append(await turns.take())
    assert order == [[], [last.id]]


async def test_a_rate_says_when_the_dispatcher_shall_look_again(
    world: JobsWorld, turns: Turns
) -> None:
    now = world.clock.now()
    rate = Rate(limit=1, period_seconds=10, key="mail")
    for _ in range(2):
        await limited(world, rate=rate)
    await turns.take()
    turn = await world.dispatching.turn([], [], turns.ring, leads=True)

    assert turn.next_due_at is not None
    assert now + 10_000_000 <= turn.next_due_at <= world.clock.now() + 10_000_000


async def test_without_workers_no_larger_burst_gathers(world: JobsWorld, turns: Turns) -> None:
    rate = Rate(limit=2, period_seconds=1_000, key="mail", burst=2)
    for _ in range(10):
        await limited(world, rate=rate)
    for _ in range(5):
        world.clock.advance(10_000)
        await world.dispatching.releasing.advance()

    assert len(await turns.take()) == 2


async def test_a_job_passes_both_its_slot_and_its_rate(world: JobsWorld, turns: Turns) -> None:
    rules: dict[str, Any] = {
        "concurrency": Concurrency(limit=2, key="harbour"),
        "rate": Rate(limit=1, period_seconds=10, key="mail"),
    }
    jobs = [await limited(world, **rules) for _ in range(3)]
    assert await turns.take() == [jobs[0].id]
    assert (await world.job(jobs[1])).waits_for == "rate"
    assert (await world.job(jobs[2])).waits_for == "concurrency"
    world.clock.advance(10)
    assert await turns.take() == [jobs[1].id]
    world.clock.advance(10)
    assert await turns.take() == []
    await turns.end(jobs[0].id)

    assert await turns.take() == [jobs[2].id]


async def test_a_rate_is_kept_for_jobs_that_wait_for_their_slot_first(
    world: JobsWorld, turns: Turns
) -> None:
    limits: dict[str, Any] = {
        "rate": Rate(limit=5, key="mail"),
        "concurrency": Concurrency(limit=1, key="harbour"),
    }
    first, second = [await limited(world, **limits) for _ in range(2)]
    assert await turns.take() == [first.id]
    world.clock.advance(86_400)
    await world.dispatching.releasing.tidy(before=world.clock.now())

    await turns.end(first.id)

    assert await turns.take() == [second.id]


async def test_the_next_one_starts_at_its_time_without_a_poll(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nor is there the look at jobs that no worker takes, which would come to help in a second.
    monkeypatch.setattr(repository, "blocked_look_microseconds", 3_600_000_000)
    before, rate = world.options, Rate(limit=1, period_seconds=0.2, key="mail")
    world.options = structs.replace(before, tick_seconds=60, look_seconds=60)
    try:
        async with world.dispatching_now(), world.a_worker() as worker:
            jobs = [await limited(world, rate=rate) for _ in range(3)]

            for job in jobs:
                assert (await worker.assignment(job)).job_id == job.id
    finally:
        world.options = before
