"""The look at runs whose end nobody heard of, on both databases."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.fixtures.schedules import ScheduleWorld
from tidemill.core.ids import TenantId
from tidemill.jobs.contract import JobState
from tidemill.jobs.errors import QueueFull
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.scheduling.schedules.models import Handler, Missed, Overlap, Trigger
from tidemill.jobs.scheduling.settling.models import Ended

pytestmark = pytest.mark.anyio


async def test_a_lost_end_is_found_by_the_sweep(world: ScheduleWorld) -> None:
    world.limits = QueueLimits()
    schedule = await world.a_schedule()
    world.clock.advance(60)
    await world.fire()
    (running,) = await world.occurrences()
    await world.jobs.cancel_job(running.job_id or "", actor=world.actor)
    world.clock.advance(120)
    await world.settling.sweep()

    found = (await world.occurrences(schedule))[0]
    assert (found.state, found.reason) == ("failed", "its job was cancelled")
    assert JobState.CANCELLED.final


async def test_a_run_that_cannot_be_settled_hides_none_behind_it(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await world.a_schedule(overlap=Overlap.ALLOW)
    for _ in range(2):
        world.clock.advance(60)
        await world.fire()
    for one in await world.occurrences(schedule):
        await world.jobs.cancel_job(one.job_id or "", actor=world.actor)
    first = (await world.occurrences(schedule))[0]
    settle = world.settling.settle

    async def breaks(tenant_id: TenantId, occurrence_id: str, ended: Ended) -> None:
        if occurrence_id == first.id:
            raise RecursionError
        await settle(tenant_id, occurrence_id, ended)

    monkeypatch.setattr(world.settling, "settle", breaks)
    world.clock.advance(120)
    await world.settling.sweep()

    assert await world.states(schedule) == ["started", "failed"]


@pytest.mark.parametrize("result", [b"[" * 100_000 + b"]" * 100_000, b"1e999"])
async def test_a_run_whose_result_cannot_be_read_is_settled_all_the_same(
    world: ScheduleWorld, result: bytes
) -> None:
    schedule = await world.a_schedule()
    world.clock.advance(60)
    await world.fire()
    (running,) = await world.occurrences()

    ended = Ended(state=JobState.SUCCEEDED, result=msgspec.Raw(result))
    await world.settling.settle(world.tenant_id, running.id, ended)

    assert await world.states(schedule) == ["succeeded"]


async def test_a_handler_that_is_refused_is_told_at_the_run(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(on_failure=Handler(script_path="hear"))
    await world.scripts.archive("hear", actor=world.actor)
    world.clock.advance(60)
    await world.fire()
    await world.end_all(schedule, JobState.FAILED)

    (run,) = await world.occurrences(schedule)
    assert (run.reason or "").startswith(
        "its job failed; on_failure was refused: There is no script"
    )


async def test_a_handler_whose_arguments_get_too_large_holds_up_no_end(
    world: ScheduleWorld,
) -> None:
    schedule = await world.a_schedule(on_success=Handler(script_path="hear"))
    world.clock.advance(60)
    await world.fire()
    (running,) = await world.occurrences()

    long = msgspec.Raw(msgspec.json.encode("x" * QueueLimits().args_bytes_max))
    ended = Ended(state=JobState.SUCCEEDED, result=long)
    await world.settling.settle(world.tenant_id, running.id, ended)

    (run,) = await world.occurrences(schedule)
    assert run.state == "succeeded"
    assert (run.reason or "").startswith("on_success was refused: The arguments")


async def test_runs_that_end_together_miss_no_recovery(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await world.a_schedule(
        overlap=Overlap.ALLOW, on_recovery=Handler(script_path="hear")
    )
    for _ in range(2):
        world.clock.advance(60)
        await world.fire()
    failing, succeeding = await world.occurrences(schedule)
    orders = world.settling._orders

    async def orders_after_a_failure(*args: Any) -> Any:
        monkeypatch.setattr(world.settling, "_orders", orders)
        found = await orders(*args)
        await world.end(failing, JobState.FAILED)
        return found

    monkeypatch.setattr(world.settling, "_orders", orders_after_a_failure)
    await world.end(succeeding)

    rows = await world.rows("SELECT id FROM jobs ORDER BY position")
    jobs = [await world.jobs.get(row[0], actor=world.actor) for row in rows]
    assert [job.script_path for job in jobs] == ["nothing", "nothing", "hear"]


async def test_the_sweep_comes_to_each_of_those_that_started_together(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.jobs.scheduling.settling.service.stale_max", 2)
    schedule = await world.a_schedule(overlap=Overlap.ALLOW, missed=Missed.ALL)
    world.clock.advance(300)
    await world.fire()
    together = {one.started_at for one in await world.occurrences()}
    last = max(await world.occurrences(), key=lambda one: one.id)
    await world.jobs.cancel_job(last.job_id or "", actor=world.actor)

    world.clock.advance(120)
    for _ in range(4):
        await world.settling.sweep()

    assert len(together) == 1
    assert sorted(await world.states(schedule)) == ["failed"] + ["started"] * 4


async def test_the_sweep_passes_over_a_run_whose_handler_finds_the_queue_full(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    hourly = Trigger(every_seconds=3600)
    stuck = await world.a_schedule("stuck", trigger=hourly, on_failure=Handler(script_path="hear"))
    world.clock.advance(3600)
    await world.fire()
    plain = await world.a_schedule("plain")
    world.clock.advance(60)
    await world.fire()
    for one in await world.occurrences():
        await world.jobs.cancel_job(one.job_id or "", actor=world.actor)
    world.clock.advance(180)

    def refuse(*args: Any) -> None:
        raise QueueFull(3)

    with monkeypatch.context() as patch:
        patch.setattr(world.jobs, "enqueue_in", refuse)
        await world.settling.sweep()
        full = await world.states(stuck), await world.states(plain)
    await world.settling.sweep()

    assert full == (["started"], ["failed"])
    assert await world.states(stuck) == ["failed"]
