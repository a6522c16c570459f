"""Searches over live and finished jobs, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import a_tenant
from tidemill.core.actor import ActorKind
from tidemill.core.pages import page_request
from tidemill.jobs.contract import JobState
from tidemill.jobs.errors import InvalidJobField, JobNotFound
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.records.search.models import JobFilter

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="each database has plans of its own"),
]


async def found(world: JobsWorld, limit: int = 50, **wanted: Any) -> list[str]:
    """Return the ids of all that fit, read page by page."""
    ids, cursor = [], None
    fields = JobFilter(**wanted)
    while True:
        page = await world.search.list(
            page_request(limit, cursor, fields.digest), fields, actor=world.actor
        )
        ids += [job.id for job in page.items]
        if (cursor := page.next_cursor) is None:
            return ids


async def live_and_past(world: JobsWorld, **fields: Any) -> list[str]:
    """Make four jobs, of which every second one has ended; return their ids, newest first."""
    jobs = [await world.a_job(**fields) for _ in range(4)]
    for job in jobs[::2]:
        await world.jobs.cancel_job(job.id, actor=world.actor)
    return [job.id for job in reversed(jobs)]


async def test_search_finds_live_and_finished_jobs_in_one_order(world: JobsWorld) -> None:
    ids = await live_and_past(world)

    assert await found(world, limit=1) == ids
    assert await found(world, state=JobState.CANCELLED) == [ids[1], ids[3]]
    assert await found(world, state=JobState.QUEUED) == [ids[0], ids[2]]
    assert await found(world, state=JobState.SUCCEEDED) == []


async def test_search_finds_what_belongs_to_a_path_and_below_it(world: JobsWorld) -> None:
    for path in ("reports/daily", "reports/weekly", "other"):
        await world.deploy(path=path)
    daily, weekly, other = [
        await live_and_past(world, script_path=path, args={"number": 1})
        for path in ("reports/daily", "reports/weekly", "other")
    ]
    called = [job.id for job in [await world.a_job(function="reports:run", script_path=None)]]

    assert await found(world, path="reports/daily", limit=1) == daily
    assert await found(world, path="reports/*") == weekly + daily
    assert await found(world, path="rep*") == called + weekly + daily
    assert await found(world, path="reports:run") == called
    assert await found(world, path="other", state=JobState.CANCELLED) == [other[1], other[3]]
    assert await found(world, path="nothing") == []


async def test_search_finds_labels(world: JobsWorld) -> None:
    acme = await live_and_past(world, labels=("customer:acme", "urgent"))
    await live_and_past(world, labels=("customer:other",))

    assert await found(world, label="customer:acme", limit=1) == acme
    assert await found(world, label="urgent", state=JobState.CANCELLED) == [acme[1], acme[3]]
    assert await found(world, label="urgent", tag="default") == acme
    assert await found(world, label="customer") == []
    shown = await world.jobs.get(acme[0], actor=world.actor)
    assert shown.labels == '["customer:acme","urgent"]'


async def test_search_finds_actors_tags_work_items_and_times(world: JobsWorld) -> None:
    first = await live_and_past(world, tag="slow", work_item_id="item-1")
    between = world.clock.now()
    somebody = world.an_actor()
    theirs = await world.a_job(actor=somebody)

    assert await found(world, tag="slow") == first
    assert await found(world, work_item_id="item-1") == first
    assert await found(world, actor_id=somebody.id) == [theirs.id]
    assert await found(world, actor_id=world.actor.id, tag="default") == []
    assert theirs.id in await found(world, since=between)
    assert await found(world, until=first_instant(theirs), actor_id=somebody.id) == []
    assert await found(world, since=first_instant(theirs), actor_id=somebody.id) == [theirs.id]


async def test_search_finds_a_rare_path_among_many_specifications(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.jobs.records.search.repository.specs_apart_max", 1)
    await world.deploy(path="reports/daily")
    ids = [
        await live_and_past(world, script_path="reports/daily", args={"number": 1}, priority=place)
        for place in range(3)
    ]
    await live_and_past(world)

    assert await found(world, path="reports/*", limit=2) == ids[2] + ids[1] + ids[0]


async def test_search_stays_in_its_tenant(world: JobsWorld) -> None:
    theirs = world.an_actor(await a_tenant(world.stores))
    await world.a_job(actor=theirs, labels=("urgent",), tag="slow")

    assert await found(world, label="urgent") == []
    assert await found(world, tag="slow") == []
    assert await found(world, actor_id=theirs.id) == []


@pytest.mark.parametrize(("field", "value"), [("path", "a*b"), ("path", ""), ("label", "no good")])
async def test_search_refuses_what_no_job_can_have(
    world: JobsWorld, field: str, value: Any
) -> None:
    with pytest.raises(InvalidJobField) as refused:
        await found(world, **{field: value})

    assert refused.value.param == field


async def test_a_job_with_a_label_that_is_none_is_refused(world: JobsWorld) -> None:
    with pytest.raises(InvalidJobField) as refused:
        await world.a_job(labels=("no good",))

    assert refused.value.param == "labels"


async def test_jobs_that_a_job_starts_hang_below_it(world: JobsWorld) -> None:
    top = await world.a_job()
    as_top = structs.replace(world.actor, kind=ActorKind.JOB, id=top.id)
    child = await world.a_job(actor=as_top)
    as_child = structs.replace(world.actor, kind=ActorKind.JOB, id=child.id)
    grandchild = await world.a_job(actor=as_child)
    named = await world.a_job(parent_id=top.id)

    assert (child.parent_id, child.root_id) == (top.id, top.id)
    assert (grandchild.parent_id, grandchild.root_id) == (child.id, top.id)
    assert await found(world, parent_id=top.id) == [named.id, child.id]
    assert await found(world, root_id=top.id) == [named.id, grandchild.id, child.id]
    with pytest.raises(JobNotFound) as missing:
        await world.a_job(parent_id="nobody")
    assert missing.value.param == "parent_id"


def first_instant(job: Job) -> int:
    """Return the millisecond in which the job was made."""
    return job.created_at // 1000 * 1000
