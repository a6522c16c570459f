"""Changes of many jobs, and the list of the dead, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.fixtures.endings import a_past_job, claimed, ended
from tests.fixtures.guarded import an_admin, guarded_folders, queue_by
from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import a_tenant
from tidemill.core.pages import PageRequest
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.control_errors import FilterMissing, FilterStateWrong
from tidemill.jobs.folders.models import Level
from tidemill.jobs.queueing.queue.models import to_json
from tidemill.jobs.records.search.models import Among, JobFilter
from tidemill.jobs.steering.bulk import service as bulk_service
from tidemill.jobs.steering.bulk.models import BulkResult
from tidemill.jobs.steering.bulk.service import BulkService
from tidemill.jobs.steering.control.models import CodeChoice, DeathReason, death_of
from tidemill.jobs.steering.control.service import ControlService

pytestmark = pytest.mark.anyio

_tags: Iterator[int] = count(1)


@pytest.fixture
def tag() -> str:
    """Return a tag of this test's own."""
    return f"bulk-{next(_tags)}"


@pytest.fixture
def bulk(world: JobsWorld) -> BulkService:
    jobs = world.stores.jobs
    return BulkService(jobs, world.jobs, ControlService(jobs, world.jobs, world.signals))


async def dead(world: JobsWorld) -> list[str]:
    page = PageRequest(limit=50)
    found = await world.search.list(page, JobFilter(among=Among.DEAD), actor=world.actor)
    return [job.id for job in found.items]


async def replayed(
    world: JobsWorld, bulk: BulkService, limit: int = 50, **wanted: Any
) -> list[BulkResult]:
    """Replay portion after portion."""
    results: list[BulkResult] = []
    after = None
    while True:
        page = PageRequest(limit=limit, after=None if after is None else (after,))
        results.append(
            await bulk.replay(page, JobFilter(**wanted), actor=world.actor, code=CodeChoice.CURRENT)
        )
        if (after := results[-1].after) is None:
            return results


@pytest.mark.each_database(reason="many rows are locked at once")
async def test_cancel_by_filter_ends_what_waits_and_stops_what_runs(
    world: JobsWorld, bulk: BulkService, tag: str
) -> None:
    held, *waiting = [await world.a_job(tag=tag, labels=(tag,)) for _ in range(3)]
    await claimed(world, tag, slots=1)
    other = await world.a_job(tag=f"{tag}-other")
    wanted = JobFilter(label=tag)
    counted = await bulk.count_to_cancel(wanted, actor=world.actor)

    result = await bulk.cancel(PageRequest(limit=50), wanted, actor=world.actor)

    assert (counted.matched, counted.changed) == (3, 0)
    assert (result.matched, result.changed, result.after) == (3, 3, None)
    assert [(await world.job(job)).state for job in waiting] == [JobState.CANCELLED] * 2
    assert (await world.job(held)).cancel_requested_at is not None
    assert (await world.job(other)).state is JobState.QUEUED


async def test_a_change_of_many_goes_on_where_it_ended(
    world: JobsWorld, bulk: BulkService, tag: str
) -> None:
    for _ in range(5):
        await world.a_job(tag=tag)
    wanted, after, changed = JobFilter(tag=tag), None, []
    for _ in range(3):
        page = PageRequest(limit=2, after=None if after is None else (after,))
        result = await bulk.cancel(page, wanted, actor=world.actor)
        changed.append(result.changed)
        after = result.after

    assert (changed, after) == ([2, 2, 1], None)
    assert (await bulk.count_to_cancel(wanted, actor=world.actor)).matched == 0


async def test_a_change_of_many_stays_in_its_tenant(
    world: JobsWorld, bulk: BulkService, tag: str
) -> None:
    theirs = await world.a_job(tag=tag, actor=world.an_actor(await a_tenant(world.stores)))

    result = await bulk.cancel(PageRequest(), JobFilter(tag=tag), actor=world.actor)

    assert result.matched == 0
    assert (await world.job(theirs)).state is JobState.QUEUED


async def test_a_change_of_many_must_say_of_which(world: JobsWorld, bulk: BulkService) -> None:
    with pytest.raises(FilterMissing):
        await bulk.cancel(PageRequest(), JobFilter(state=JobState.QUEUED), actor=world.actor)
    with pytest.raises(FilterStateWrong):
        await bulk.count_to_cancel(JobFilter(tag="a", state=JobState.FAILED), actor=world.actor)
    with pytest.raises(FilterStateWrong, match="failed or timed_out or cancelled"):
        await bulk.count_to_retry(JobFilter(tag="a", state=JobState.QUEUED), actor=world.actor)
    with pytest.raises(FilterStateWrong):
        await bulk.count_to_replay(JobFilter(state=JobState.QUEUED), actor=world.actor)


async def test_dead_jobs_are_listed_until_they_are_replayed(
    world: JobsWorld, bulk: BulkService, tag: str
) -> None:
    failed = [await a_past_job(world, tag=tag) for _ in range(3)]
    slow = await a_past_job(world, JobState.TIMED_OUT, tag=tag)
    await a_past_job(world, JobState.SUCCEEDED, tag=tag)
    listed = await dead(world)
    counted = await bulk.count_to_replay(JobFilter(), actor=world.actor)

    results = await replayed(world, bulk, limit=3)

    assert listed == [slow.id, *(job.id for job in reversed(failed))]
    assert counted.matched == 4
    assert sum(result.changed for result in results) == 4
    assert await dead(world) == []
    assert len(await claimed(world, tag)) == 4
    rows = await world.rows(
        "SELECT resource FROM audit_outbox"
        " WHERE tenant_id = :tenant_id AND action = 'jobs.jobs.retry' ORDER BY position"
    )
    assert {row[0] for row in rows} == {f"job:{job.id}" for job in [*failed, slow]}


@pytest.mark.each_database(reason="many rows are locked at once")
async def test_a_replay_that_is_sent_twice_runs_each_job_once(
    world: JobsWorld, bulk: BulkService, tag: str
) -> None:
    await a_past_job(world, tag=tag)

    again = [(await replayed(world, bulk, tag=tag))[0].changed for _ in range(2)]

    assert again == [1, 0]


async def test_a_replay_leaves_what_cannot_run_and_says_why(
    world: JobsWorld, bulk: BulkService, tag: str
) -> None:
    await world.deploy(path="gone")
    gone = await a_past_job(world, tag=tag, script_path="gone", args={"number": 1})
    await a_past_job(world, tag=tag)
    await world.scripts.archive("gone", actor=world.actor)

    [result] = await replayed(world, bulk, tag=tag)

    assert (result.matched, result.changed) == (2, 1)
    assert [(one.id, one.code) for one in result.refused] == [(gone.id, "SCRIPT_NOT_FOUND")]
    assert await dead(world) == [gone.id]


async def test_cancelled_jobs_are_retried_when_asked_for(
    world: JobsWorld, bulk: BulkService, tag: str
) -> None:
    job = await world.a_job(tag=tag)
    await world.jobs.cancel_job(job.id, actor=world.actor)
    wanted = JobFilter(tag=tag, state=JobState.CANCELLED)

    none = await bulk.count_to_retry(JobFilter(tag=tag), actor=world.actor)
    results = [
        await bulk.retry(PageRequest(), wanted, actor=world.actor, code=CodeChoice.CURRENT)
        for _ in range(2)
    ]

    assert none.matched == 0
    assert [result.changed for result in results] == [1, 0]


async def test_the_list_of_the_dead_says_why(world: JobsWorld, tag: str) -> None:
    used = await a_past_job(world, tag=tag)
    await world.a_job(tag=tag, attempts_max=3)
    [job] = await claimed(world, tag)
    await ended(world, job, JobState.FAILED, retriable=False)
    hopeless = await world.jobs.get(job.id, actor=world.actor)

    await world.a_job(tag=tag)
    [job] = await claimed(world, tag)
    said = to_json({"type": "TokenExpired", "message": "log in again", "traceback": ""})
    await ended(world, job, JobState.FAILED, error=said)
    raised = await world.jobs.get(job.id, actor=world.actor)

    assert death_of(used) is DeathReason.ATTEMPTS_USED
    assert death_of(raised) is DeathReason.ATTEMPTS_USED, "of what it raises only itself knows"
    assert death_of(hopeless) is DeathReason.NOT_RETRIABLE


async def test_a_dry_run_counts_only_jobs_of_folders_that_one_may_use(
    world: JobsWorld, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_service, "counted_max", 3)
    folders, admin = await guarded_folders(world, member=Level.READ), an_admin(world)
    queue = queue_by(world, folders)
    jobs = world.stores.jobs
    bulk = BulkService(jobs, queue, ControlService(jobs, queue, world.signals))
    await world.deploy(path="f/guarded/one", actor=admin)
    await world.a_job(tag=tag)
    for _ in range(5):
        request = JobRequest(script_path="f/guarded/one", args={"number": 1}, tag=tag)
        await queue.create(request, actor=admin)
    await world.a_job(tag=tag)

    mine = await bulk.count_to_cancel(JobFilter(tag=tag), actor=world.actor)
    all_ = await bulk.count_to_cancel(JobFilter(tag=tag), actor=admin)

    assert (mine.matched, mine.more) == (2, False)
    assert (all_.matched, all_.more) == (3, True)
