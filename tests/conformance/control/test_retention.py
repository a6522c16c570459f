"""Rules by which finished jobs go before the others, on both databases."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.fixtures.endings import a_past_job
from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import a_tenant
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.jobs.contract import JobState
from tidemill.jobs.control_errors import RetentionRuleInvalid, RetentionRuleNotFound
from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.records.logs.files import Chunk, LogKey
from tidemill.jobs.records.retention.models import RetentionRule
from tidemill.jobs.records.retention.service import RetentionService

pytestmark = pytest.mark.anyio

DAY: Final = 86_400


@pytest.fixture
def retention(world: JobsWorld) -> RetentionService:
    return RetentionService(world.stores.jobs, history_days=30)


async def past(world: JobsWorld, **fields: Any) -> Job:
    return await a_past_job(world, JobState.SUCCEEDED, tag=f"retention-{world.tenant_id}", **fields)


async def pruned(world: JobsWorld, *, days: int) -> set[str]:
    """Apply all rules `days` from now; return the jobs of the tenant that went."""
    clock, gone = world.clock, set[str]()
    clock.advance(days * DAY)
    try:
        async for tenant, ids in world.dispatching.housekeeping.rules.run():
            gone |= set(ids) if tenant == world.tenant_id else set()
    finally:
        clock.advance(-days * DAY)
    return gone


async def test_finished_jobs_of_a_path_go_after_their_days(
    world: JobsWorld, retention: RetentionService
) -> None:
    for path in ("reports/daily", "other"):
        await world.deploy(path=path)
    fields: dict[str, Any] = {"args": {"number": 1}}
    short = await past(world, script_path="reports/daily", **fields)
    await past(world, script_path="other", **fields)
    live = await world.a_job(script_path="reports/daily", **fields)
    await retention.put(RetentionRule("reports", "reports/*", None, 3), actor=world.actor)

    early = await pruned(world, days=2)
    late = await pruned(world, days=4)

    assert (early, late) == (set(), {short.id})
    assert (await world.job(live)).state is JobState.QUEUED


async def test_finished_jobs_with_a_label_go_with_their_labels(
    world: JobsWorld, retention: RetentionService
) -> None:
    gone = await past(world, labels=("debug", "kept"))
    await past(world, labels=("kept",))
    await world.a_job(labels=("debug",))
    await retention.put(RetentionRule("debug", None, "debug", 0), actor=world.actor)

    assert await pruned(world, days=1) == {gone.id}
    rows = await world.rows(
        "SELECT COUNT(*) FROM job_labels WHERE tenant_id = :tenant_id AND label = 'debug'"
    )
    assert rows[0][0] == 1, "that of the live job"


async def test_what_a_rule_deletes_goes_in_portions(
    world: JobsWorld, retention: RetentionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.jobs.records.retention.pruning.portion_max", 2)
    jobs = {(await past(world, labels=("many",))).id for _ in range(5)}
    await retention.put(RetentionRule("many", None, "many", 0), actor=world.actor)

    assert await pruned(world, days=1) == jobs


async def test_what_a_rule_deletes_is_found_again_until_its_logs_are_gone(
    world: JobsWorld, retention: RetentionService
) -> None:
    job = await past(world, labels=("debug",))
    await retention.put(RetentionRule("debug", None, "debug", 0), actor=world.actor)

    world.clock.advance(DAY)
    async for tenant, _ in world.dispatching.housekeeping.rules.run():
        if tenant == world.tenant_id:
            break
    world.clock.advance(-DAY)

    assert await pruned(world, days=1) == {job.id}
    assert await pruned(world, days=1) == set()


async def test_a_rule_stays_in_its_tenant(world: JobsWorld, retention: RetentionService) -> None:
    theirs = world.an_actor(await a_tenant(world.stores))
    await past(world, labels=("debug",))
    await retention.put(RetentionRule("debug", None, "debug", 0), actor=theirs)

    assert await pruned(world, days=1) == set()
    assert await names(retention, world.actor) == []
    with pytest.raises(RetentionRuleNotFound):
        await retention.remove("debug", actor=world.actor)


async def names(retention: RetentionService, actor: Actor) -> list[str]:
    page = await retention.list(PageRequest(), actor=actor)
    return [rule.name for rule in page.items]


async def test_rules_are_kept_changed_and_deleted(
    world: JobsWorld, retention: RetentionService
) -> None:
    await retention.put(RetentionRule("a", "a", None, 1), actor=world.actor)
    await retention.put(RetentionRule("a", None, "b", 2), actor=world.actor)
    page = await retention.list(PageRequest(), actor=world.actor)
    await retention.remove("a", actor=world.actor)

    assert [(rule.path, rule.label, rule.keep_days) for rule in page.items] == [(None, "b", 2)]
    assert await names(retention, world.actor) == []


@pytest.mark.parametrize(
    ("rule", "param"),
    [
        (RetentionRule("A", "a", None, 1), "name"),
        (RetentionRule("a", "a", "b", 1), "path"),
        (RetentionRule("a", None, None, 1), "path"),
        (RetentionRule("a", None, "no good", 1), "label"),
        (RetentionRule("a", "a*b", None, 1), "path"),
        (RetentionRule("a", "a", None, 30), "keep_days"),
    ],
)
def test_a_rule_without_an_effect_is_refused(rule: RetentionRule, param: str) -> None:
    with pytest.raises((RetentionRuleInvalid, InvalidJobField)) as refused:
        rule.checked(30)

    assert refused.value.param == param


async def test_logs_of_jobs_that_go_are_removed(world: JobsWorld) -> None:
    jobs = [await world.a_job() for _ in range(2)]
    keys = [LogKey(world.tenant_id, job.id, epoch) for job in jobs for epoch in (1, 2)]
    world.files.write([Chunk(key, 0, b"said") for key in keys])

    world.files.remove(world.tenant_id, [jobs[0].id])

    assert [world.files.read(key, 0, 10) for key in keys] == [b"", b"", b"said", b"said"]
