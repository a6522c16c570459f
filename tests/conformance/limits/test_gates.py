"""Keys are locked before jobs, know how many slots are held, and end nobody else's jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import pytest

from tests.fixtures.beside import beside, until_somebody_waits
from tests.fixtures.guarded import an_admin, guarded_folders, queue_by
from tests.fixtures.jobs import JobsWorld
from tests.fixtures.turns import Turns, limited, one_at_a_time
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Row, Tx, Value
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.folders.models import Level
from tidemill.jobs.limits.models import Concurrency, Limits, Strategy
from tidemill.jobs.limits.repository import LimitRepository
from tidemill.jobs.queueing.queue.limited import service as limited_service
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.records.search.models import JobFilter
from tidemill.jobs.steering.bulk.service import BulkService
from tidemill.jobs.steering.control.service import ControlService

pytestmark = pytest.mark.anyio

HELD = "SELECT slots_max, held FROM concurrency_slots"
Change = Callable[[JobsWorld, Turns, Job], Awaitable[object]]


async def _cancel(world: JobsWorld, turns: Turns, job: Job) -> None:
    await world.jobs.cancel_job(job.id, actor=world.actor)


async def _cancel_all(world: JobsWorld, turns: Turns, job: Job) -> None:
    control = ControlService(world.stores.jobs, world.jobs, world.signals)
    bulk = BulkService(world.stores.jobs, world.jobs, control)
    await bulk.cancel(PageRequest(limit=5), JobFilter(tag=job.tag), actor=world.actor)


async def _snooze(world: JobsWorld, turns: Turns, job: Job) -> None:
    control = ControlService(world.stores.jobs, world.jobs, world.signals)
    await control.snooze(job.id, seconds=20, actor=world.actor)


async def _expire(world: JobsWorld, turns: Turns, job: Job) -> None:
    world.clock.advance(31)
    await world.dispatching.releasing.advance()


async def _end(world: JobsWorld, turns: Turns, job: Job) -> None:
    await turns.end(job.id)


CHANGES: Mapping[str, Change] = {
    "cancel": _cancel,
    "cancel all": _cancel_all,
    "snooze": _snooze,
    "expire": _expire,
    "end": _end,
}


@pytest.mark.parametrize("change", CHANGES)
async def test_whatever_changes_a_job_locks_its_key_first(
    world: JobsWorld, turns: Turns, change: str
) -> None:
    if "sqlite" in type(world.stores.jobs).__module__:
        pytest.skip("SQLite has one writer")
    job = await limited(world, concurrency=one_at_a_time(), ttl_seconds=30)
    if change == "end":
        await turns.take()
    ((schema,),) = await world.rows("SELECT current_schema()")
    async with beside(schema) as other:
        async with other.transaction():
            await other.execute("SELECT 1 FROM concurrency_slots FOR UPDATE")
            task = asyncio.ensure_future(CHANGES[change](world, turns, job))
            await until_somebody_waits(other)

            await other.execute("SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE NOWAIT", job.id)
        with anyio.fail_after(60):
            await task
    world.clock.offset_seconds = 0


async def test_a_key_knows_how_many_slots_are_held(world: JobsWorld, turns: Turns) -> None:
    control = ControlService(world.stores.jobs, world.jobs, world.signals)
    rule = Concurrency(limit=2, key="harbour")
    jobs = [await limited(world, concurrency=rule, attempts_max=2) for _ in range(5)]
    assert await world.rows(HELD) == [(2, 2)]

    await turns.take()
    await turns.end(jobs[0].id, JobState.FAILED)
    await turns.end(jobs[1].id)
    assert await world.rows(HELD) == [(2, 2)]
    await control.snooze(jobs[2].id, seconds=60, actor=world.actor)
    assert await world.rows(HELD) == [(2, 2)]
    await world.jobs.cancel_job(jobs[3].id, actor=world.actor)
    assert await world.rows(HELD) == [(2, 1)]
    await turns.take()
    await world.dispatching.rescue("worker-1")

    have = await world.rows("SELECT 2, COUNT(slot_at) FROM jobs")
    assert await world.rows(HELD) == have


class Heard:
    """A transaction that keeps the statements which read through it."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.read: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def one(self, sql: str, /, **parameters: Value) -> Row | None:
        self.read.append(sql)
        return self._tx.one(sql, **parameters)

    def all(self, sql: str, /, **parameters: Value) -> Any:
        self.read.append(sql)
        return self._tx.all(sql, **parameters)


async def test_a_slot_is_handed_on_without_a_look_at_those_that_are_held(world: JobsWorld) -> None:
    for _ in range(3):
        await limited(world, concurrency=Concurrency(limit=2, key="harbour"))

    def hand_on(tx: Tx) -> tuple[set[str], list[str]]:
        tx.execute("UPDATE concurrency_slots SET held = 1")
        heard: Any = Heard(tx)
        return LimitRepository().admit(heard, world.tenant_id, "harbour"), heard.read

    started, read = await world.stores.jobs.write(world.tenant_id, hand_on)

    assert len(started) == 1
    assert [sql for sql in read if "slot_at" in sql or "COUNT" in sql] == []


async def test_a_wrong_count_is_put_right(world: JobsWorld, turns: Turns) -> None:
    first, second = [await limited(world, concurrency=one_at_a_time()) for _ in range(2)]

    def lose(tx: Tx) -> None:
        tx.execute("DELETE FROM jobs WHERE tenant_id = :tenant_id AND id = :id", id=first.id)

    await world.stores.jobs.write(world.tenant_id, lose)
    assert await turns.take() == []
    await world.dispatching.releasing.tidy(before=0)

    assert await turns.take() == [second.id]
    assert await world.rows(HELD) == [(1, 1)]


async def test_cancel_running_ends_a_portion_in_each_transaction(
    world: JobsWorld, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited_service, "ended_per_commit_max", 2)
    old = [await limited(world, concurrency=one_at_a_time()) for _ in range(6)]
    await turns.take()

    newest = await limited(world, concurrency=one_at_a_time(Strategy.CANCEL_RUNNING))

    assert len(await world.rows("SELECT 1 FROM job_history")) == 2
    await turns.take()
    assert len(await world.rows("SELECT 1 FROM job_history")) == 5
    assert (await world.job(old[0])).cancel_requested_at is not None
    await turns.end(old[0].id, JobState.CANCELLED)
    assert await turns.take() == [newest.id]


@pytest.mark.parametrize("later", [False, True], ids=["at once", "at its time"])
async def test_cancel_running_passes_over_jobs_that_its_starter_may_not_steer(
    world: JobsWorld, turns: Turns, later: bool
) -> None:
    folders, admin = await guarded_folders(world, member=Level.READ), an_admin(world)
    guarded = queue_by(world, folders)
    await world.deploy(path="f/guarded/one", actor=admin)
    running = Limits(concurrency=one_at_a_time())
    request = {"script_path": "f/guarded/one", "args": {"number": 1}, "limits": running}
    world.jobs = guarded
    world.dispatching = Dispatching(
        world.stores.jobs, world.policy, lambda: 0.5, signals=world.signals, folders=folders
    )
    try:
        theirs = [await world.a_job(actor=admin, **request) for _ in range(2)]
        mine = await limited(world, concurrency=one_at_a_time())
        due = world.clock.now() + 1_000_000 if later else None
        rule = one_at_a_time(Strategy.CANCEL_RUNNING)
        await limited(world, concurrency=rule, run_at=due)
        world.clock.advance(2)
        await world.dispatching.releasing.advance()
        await turns.take()
        states = [(await guarded.get(job.id, actor=admin)).state for job in (*theirs, mine)]
        asked = await world.rows("SELECT 1 FROM jobs WHERE cancel_requested_at IS NOT NULL")
    finally:
        world.build()

    assert states == [JobState.LEASED, JobState.WAITING, JobState.CANCELLED]
    assert asked == []
