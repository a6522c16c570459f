"""Jobs again, later and now, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import pytest
from msgspec import structs

from tests.fixtures.endings import a_past_job, claimed
from tests.fixtures.jobs import DOUBLE, JobsWorld
from tidemill.core.ports import Tx
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.code.scripts.service import Deployment
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.control_errors import JobNotRetriable, JobNotWaiting, JobRetriedAlready
from tidemill.jobs.dispatching.dispatcher.models import Ring
from tidemill.jobs.errors import ArgumentsInvalid, InvalidJobField, ScriptNotFound
from tidemill.jobs.limits.models import Limits, Rate, limits_of
from tidemill.jobs.protocol.messages import RegisteredFunction
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.requirements.models import Requires, requires_of
from tidemill.jobs.steering.control import service as control_service
from tidemill.jobs.steering.control.models import Changes, CodeChoice, request_of
from tidemill.jobs.steering.control.service import ControlService
from tidemill.jobs.steering.transfers.models import line_of

pytestmark = pytest.mark.anyio

MINUTE: Final = 60 * 1_000_000
HALF: Final = "def main(number: int) -> int:\n    return number // 2\n"
_tags: Iterator[int] = count(1)


@pytest.fixture
def tag() -> str:
    """Return a tag of this test's own."""
    return f"control-{next(_tags)}"


@pytest.fixture
def control(world: JobsWorld) -> ControlService:
    return ControlService(world.stores.jobs, world.jobs, world.signals)


async def actions(world: JobsWorld) -> list[str]:
    rows = await world.rows(
        "SELECT action FROM audit_outbox WHERE tenant_id = :tenant_id ORDER BY position"
    )
    return [row[0] for row in rows]


async def test_a_retry_is_a_new_job_with_the_rights_of_who_retries(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    failed = await a_past_job(world, tag=tag, labels=("nightly",), priority=3, id=f"key-{tag}")
    somebody = world.an_actor()

    new = await control.retry(failed.public_id, actor=somebody)

    assert (new.state, new.args, new.labels) == (JobState.QUEUED, failed.args, failed.labels)
    assert (new.priority, new.key, new.attempts) == (3, None, 0)
    assert somebody.id in new.actor
    assert (await world.job(failed)).state is JobState.FAILED
    assert (await control.links(failed)).retry_id == new.id
    assert (await control.links(new)).origin_id == failed.id
    assert "jobs.jobs.retry" in await actions(world)


@pytest.mark.each_database(reason="transactions race")
async def test_fifty_retries_of_one_job_at_once_make_one_job(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    failed = await a_past_job(world, tag=tag)

    retried = await asyncio.gather(
        *(control.retry(failed.id, actor=world.actor) for _ in range(50))
    )

    assert len({job.id for job in retried}) == 1
    assert len(await claimed(world, tag)) == 1


async def test_a_job_whose_retry_has_left_the_history_is_there_and_has_been_retried(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    failed = await a_past_job(world, tag=tag)
    retried = await control.retry(failed.id, actor=world.actor)

    def forget(tx: Tx) -> None:
        tx.execute("DELETE FROM jobs WHERE tenant_id = :tenant_id AND id = :id", id=retried.id)

    await world.stores.jobs.write(world.tenant_id, forget)

    with pytest.raises(JobRetriedAlready, match=failed.public_id):
        await control.retry(failed.public_id, actor=world.actor)


@pytest.mark.parametrize("rivals", [3, 1000])
@pytest.mark.each_database(reason="transactions race")
async def test_retrying_goes_on_after_rivals_and_ends_as_a_conflict(
    world: JobsWorld, control: ControlService, rivals: int
) -> None:
    tries = count(1)

    def use_case(tx: Tx) -> int:
        del tx
        if next(tries) <= rivals:
            raise JobRetriedAlready("one")
        return 7

    if rivals < control_service.rivals_max:
        assert await control.retrying(world.tenant_id, use_case) == 7
    else:
        with pytest.raises(JobRetriedAlready):
            await control.retrying(world.tenant_id, use_case)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.QUEUED])
async def test_what_has_not_failed_cannot_be_retried(
    world: JobsWorld, control: ControlService, tag: str, state: JobState
) -> None:
    if state.final:
        job = await a_past_job(world, state, tag=tag)
    else:
        job = await world.a_job(tag=tag)

    with pytest.raises(JobNotRetriable):
        await control.retry(job.id, actor=world.actor)


@pytest.mark.parametrize(("choice", "text"), [(CodeChoice.CURRENT, HALF), (CodeChoice.SAME, None)])
async def test_a_retry_runs_the_text_that_was_asked_for(
    world: JobsWorld, control: ControlService, tag: str, choice: CodeChoice, text: str | None
) -> None:
    await world.deploy(path="half")
    failed = await a_past_job(world, tag=tag, script_path="half", args={"number": 4})
    await world.deploy(HALF, path="half")

    new = await control.retry(failed.id, actor=world.actor, code=choice)

    assert (new.content_hash == failed.content_hash) is (text is None)
    assert new.script_path == "half"


@pytest.mark.parametrize("choice", CodeChoice)
async def test_a_new_run_keeps_its_own_limits_and_takes_those_of_its_code(
    world: JobsWorld, control: ControlService, tag: str, choice: CodeChoice
) -> None:
    async def deploy(seconds: float) -> None:
        limits = Limits(ttl_seconds=seconds, rate=Rate(limit=int(seconds)))
        wanted = Deployment(path="limited", language="python", content=DOUBLE, limits=limits)
        await world.scripts.deploy(wanted, actor=world.actor)

    await deploy(1000)
    own = Limits(rate=Rate(limit=5))
    job = await world.a_job(tag=tag, script_path="limited", args={"number": 4}, limits=own)
    await deploy(2000)

    new = await control.rerun(job.id, actor=world.actor, code=choice)
    again = await control.rerun(new.id, actor=world.actor)

    seconds = 2000 if choice is CodeChoice.CURRENT else 1000
    assert limits_of(new.limits or "") == Limits(ttl_seconds=seconds, rate=Rate(limit=5))
    assert limits_of(again.limits or "") == Limits(ttl_seconds=2000, rate=Rate(limit=5))
    assert line_of(job).job["limits"] == own


async def test_a_new_run_takes_the_limits_that_its_function_has_by_now(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    functions = FunctionService(world.stores.jobs)
    queue = JobService(
        world.stores.jobs,
        world.clock,
        world.limits,
        scripts=world.scripts,
        workers=world.workers,
        signals=world.signals,
        links=lambda: world.links,
        functions=functions,
    )

    async def register(seconds: int) -> None:
        limits = f'{{"ttl_seconds":{seconds}}}'
        await functions.keep(
            [RegisteredFunction(name="shop.tasks:send", schema="{}", limits=limits)]
        )

    await register(1000)
    request = JobRequest(function="shop.tasks:send", tag=tag)
    job = await queue.create(request, actor=world.actor)
    await register(2000)

    control = ControlService(world.stores.jobs, queue, world.signals)
    new = await control.rerun(job.id, actor=world.actor)

    assert [limits_of(one.limits or "").ttl_seconds for one in (job, new)] == [1000, 2000]


async def test_limits_of_an_earlier_release_that_had_no_effect_hold_nobody_up(
    world: JobsWorld,
) -> None:
    limits = Limits(cache_seconds=3_600, result_ttl_seconds=60)
    functions = FunctionService(world.stores.jobs)
    known = RegisteredFunction(name="shop:old", schema="{}", limits=limits.to_json())
    old = structs.replace(await world.a_job(), limits=limits.to_json(), own=None)

    await functions.keep([known])
    request = request_of(old)

    assert request.limits == Limits(cache_seconds=60, result_ttl_seconds=60)
    assert (await world.jobs.create(request, actor=world.actor)).state is JobState.QUEUED


async def test_what_a_script_requires_holds_where_its_job_says_nothing(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    async def deploy(cpu: float) -> None:
        wanted = Deployment(
            path="film",
            language="python",
            content=DOUBLE,
            requires=Requires(cpu=cpu),
            affinity_key=f"films-{cpu:g}",
        )
        await world.scripts.deploy(wanted, actor=world.actor)

    await deploy(2)
    fields: dict[str, Any] = {"tag": tag, "script_path": "film", "args": {"number": 4}}
    plain = await world.a_job(**fields)
    own = await world.a_job(**fields, requires=Requires(cpu=8), affinity_key="mine")
    nothing = await world.a_job(**fields, requires=Requires())
    await deploy(4)
    again = [await control.rerun(job.id, actor=world.actor) for job in (plain, own, nothing)]

    assert [
        (requires_of(job.requires).cpu, job.affinity_key) for job in (plain, own, nothing, *again)
    ] == [
        (2, "films-2"), (8, "mine"), (0, "films-2"), (4, "films-4"), (8, "mine"), (0, "films-4"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "expected"),
    [(CodeChoice.CURRENT, ["warm", "sandbox"]), (CodeChoice.SAME, ["sandbox", "sandbox"])],
)
async def test_a_new_run_is_kept_apart_as_its_caller_or_else_its_code_says(
    world: JobsWorld, control: ControlService, tag: str, choice: CodeChoice, expected: list[str]
) -> None:
    async def deploy(isolation: str) -> None:
        wanted = Deployment(path="kept", language="python", content=DOUBLE, isolation=isolation)
        await world.scripts.deploy(wanted, actor=world.actor)

    await deploy("sandbox")
    fields: dict[str, Any] = {"tag": tag, "script_path": "kept", "args": {"number": 4}}
    plain = await world.a_job(**fields)
    own = await world.a_job(**fields, isolation="sandbox")
    await deploy("warm")

    new = [await control.rerun(job.id, actor=world.actor, code=choice) for job in (plain, own)]
    again = [await control.rerun(job.id, actor=world.actor) for job in new]

    assert [job.isolation for job in new] == expected
    assert [job.isolation for job in again] == ["warm", "sandbox"]


async def test_a_new_run_of_code_in_place_keeps_the_isolation_that_it_was_given(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    job = await world.a_job(tag=tag, isolation="warm")

    new = await control.rerun(job.id, actor=world.actor)
    again = await control.rerun(new.id, actor=world.actor, code=CodeChoice.SAME)

    assert [one.isolation for one in (job, new, again)] == ["warm"] * 3


async def test_a_retry_of_a_script_that_is_gone_is_refused(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    await world.deploy(path="gone")
    failed = await a_past_job(world, tag=tag, script_path="gone", args={"number": 4})
    await world.scripts.archive("gone", actor=world.actor)

    with pytest.raises(ScriptNotFound):
        await control.retry(failed.id, actor=world.actor)
    same = await control.retry(failed.id, actor=world.actor, code=CodeChoice.SAME)

    assert same.content_hash == failed.content_hash


async def test_rerun_changes_arguments_and_makes_a_job_each_time(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    done = await a_past_job(world, JobState.SUCCEEDED, tag=tag)

    first = await control.rerun(done.id, Changes(args={"number": 7}), actor=world.actor)
    second = await control.rerun(done.id, Changes(priority=5), actor=world.actor)

    assert (first.args, first.priority) == ('{"number":7}', 0)
    assert (second.args, second.priority) == (done.args, 5)
    assert first.id != second.id
    with pytest.raises(ArgumentsInvalid):
        await control.rerun(done.id, Changes(args={"number": "x"}), actor=world.actor)


async def test_a_rerun_is_audited_with_the_job_that_it_came_from(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    done = await a_past_job(world, JobState.SUCCEEDED, tag=tag)

    new = await control.rerun(done.id, actor=world.actor)

    rows = await world.rows(
        "SELECT resource, after FROM audit_outbox"
        " WHERE tenant_id = :tenant_id AND action = 'jobs.jobs.rerun' ORDER BY position"
    )
    assert [row[0] for row in rows] == [f"job:{done.public_id}"]
    assert new.id in str(rows[0][1])


async def test_a_snoozed_job_waits_and_is_counted(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    job = await world.a_job(tag=tag)
    before = world.clock.now()

    snoozed = await control.snooze(job.id, seconds=60, actor=world.actor)

    assert (snoozed.state, snoozed.snoozes, snoozed.attempts) == (JobState.SCHEDULED, 1, 0)
    assert before + MINUTE <= snoozed.due_at <= world.clock.now() + MINUTE
    assert await claimed(world, tag) == []
    assert (await control.snooze(job.id, seconds=90, actor=world.actor)).snoozes == 2


async def test_a_job_that_waits_for_its_time_can_run_now(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    job = await world.a_job(tag=tag, run_at=world.clock.now() + 60 * MINUTE)
    told: list[int] = []
    world.signals.on_ready(told.append)

    moved = await control.run_now(job.id, actor=world.actor)
    await world.dispatching.turn([], [], Ring(), leads=True)

    assert moved.due_at <= world.clock.now()
    assert moved.snoozes is None
    assert moved.due_at in told, "the dispatcher was woken"
    assert [one.id for one in await claimed(world, tag)] == [job.id]


@pytest.mark.parametrize("change", ["snooze", "run_now"])
async def test_the_time_of_a_running_or_finished_job_stays(
    world: JobsWorld, control: ControlService, tag: str, change: str
) -> None:
    past = await a_past_job(world, tag=tag)
    await world.a_job(tag=tag)
    [held] = await claimed(world, tag)
    fields: dict[str, Any] = {"seconds": 60} if change == "snooze" else {}
    jobs: list[str | Claimed] = [past.id, held]

    for job in jobs:
        reference = job if isinstance(job, str) else job.id
        with pytest.raises(JobNotWaiting):
            await getattr(control, change)(reference, actor=world.actor, **fields)


@pytest.mark.parametrize("seconds", [0, 1e12])
async def test_a_snooze_has_its_limits(
    world: JobsWorld, control: ControlService, tag: str, seconds: float
) -> None:
    job = await world.a_job(tag=tag)

    with pytest.raises(InvalidJobField):
        await control.snooze(job.id, seconds=seconds, actor=world.actor)


async def test_a_snooze_beyond_the_time_to_live_is_refused(
    world: JobsWorld, control: ControlService, tag: str
) -> None:
    job = await world.a_job(tag=tag, limits=Limits(ttl_seconds=60))

    with pytest.raises(InvalidJobField, match=r"due less than 60 s after its enqueue") as raised:
        await control.snooze(job.id, seconds=600, actor=world.actor)

    assert raised.value.param == "seconds"
    assert (await world.job(job)).state is JobState.QUEUED
