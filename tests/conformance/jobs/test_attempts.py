"""What is kept of each attempt of a job, on both databases."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld, LiveNotes
from tidemill.core.actor import ActorKind
from tidemill.core.clock import Instant
from tidemill.core.pages import page_request
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.housekeeping import service as housekeeping
from tidemill.jobs.dispatching.dispatcher.models import Begun, Demand, Ended, Ring
from tidemill.jobs.errors import AttemptNotFound, ExecutionNotFound
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import Ending, Job
from tidemill.jobs.queueing.workers.models import Registration
from tidemill.jobs.records.attempts.service import AttemptService
from tidemill.jobs.records.logs.files import Chunk, LogKey
from tidemill.jobs.records.logs.service import Which
from tidemill.jobs.records.metrics.service import MetricService
from tidemill.jobs.records.progress.service import ProgressService

pytestmark = pytest.mark.anyio


class Hand:
    """A worker that claims one job at a time, and ends it as the test says."""

    def __init__(self, world: JobsWorld) -> None:
        self.world = world
        self.ring = Ring()

    async def claim(self) -> Claimed:
        registered = Registration(
            id="hand", host="here", slots=1, tags=("default",), isolations=("sandbox",)
        )
        greeted = await self.world.dispatching.register(registered, {})
        demand = Demand(
            worker_id="hand",
            generation=greeted.generation,
            slots=1,
            tags=("default",),
            isolations=("sandbox",),
        )
        turn = await self.world.dispatching.turn([], [demand], self.ring, leads=True)
        (job,) = turn.claimed["hand"]
        return job

    async def begin(self, job: Claimed) -> None:
        begun = Begun(job.tenant_id, job.id, job.epoch, self.world.clock.now())
        await self.world.dispatching.begin([begun])

    async def end(
        self,
        job: Claimed,
        verdict: JobState | None,
        error: str | None = None,
        *,
        retry_seconds: float = 0,
    ) -> None:
        now = self.world.clock.now()
        ending = Ending(
            verdict=verdict,
            started_at=Instant(now - 5),
            finished_at=now,
            error=error,
            peak_memory_bytes=4096,
            cpu_microseconds=700,
            retry_seconds=retry_seconds,
        )
        ended = Ended(job.tenant_id, job.id, job.epoch, ending)
        await self.world.dispatching.turn([ended], [], self.ring, leads=True)


async def attempts_of(
    world: JobsWorld, job: Job, *, per_page: int = 3
) -> list[tuple[int, str, str | None, int]]:
    service, cursor, found = AttemptService(world.stores.jobs, world.jobs), None, []
    while True:
        request = page_request(per_page, cursor)
        page = await service.of_job(request, job.public_id, actor=world.actor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return [(one.attempt, one.outcome, one.worker_id, one.cpu_microseconds) for one in found]


async def test_attempts_keep_those_that_another_one_followed(world: JobsWorld) -> None:
    job, hand = await world.a_job(attempts_max=4), Hand(world)

    await hand.end(await hand.claim(), JobState.FAILED, '{"type":"ValueError","message":"no"}')
    await hand.end(await hand.claim(), JobState.TIMED_OUT, '{"type":"TimedOut","message":"late"}')
    third = await hand.claim()
    await hand.begin(third)
    await world.dispatching.rescue("hand")
    await hand.end(await hand.claim(), JobState.SUCCEEDED)

    for per_page in (1, 2, 3, 4, 5):
        assert await attempts_of(world, job, per_page=per_page) == [
            (1, "failed", "hand", 700),
            (2, "timed_out", "hand", 700),
            (3, "lost", "hand", 0),
            (4, "succeeded", "hand", 700),
        ]


async def test_attempts_are_read_one_by_one(world: JobsWorld) -> None:
    job, hand = await world.a_job(attempts_max=3), Hand(world)
    errors = [f'{{"type":"ValueError","message":"{word}"}}' for word in ("first", "second")]
    await hand.end(await hand.claim(), None)
    for error in errors:
        await hand.end(await hand.claim(), JobState.FAILED, error)
    service = AttemptService(world.stores.jobs, world.jobs)

    found = [await service.get(job.public_id, n, actor=world.actor) for n in (1, 2)]

    assert [(one.epoch, one.error) for one in found] == [(2, errors[0]), (3, errors[1])]
    with pytest.raises(AttemptNotFound, match="no attempt 3; its last is 2"):
        await service.get(job.public_id, 3, actor=world.actor)


async def test_attempts_of_one_that_succeeded_at_once_cost_no_row(world: JobsWorld) -> None:
    job, hand = await world.a_job(), Hand(world)

    await hand.end(await hand.claim(), JobState.SUCCEEDED)

    assert await world.rows("SELECT 1 FROM job_attempts") == []
    assert await attempts_of(world, job) == [(1, "succeeded", "hand", 700)]


async def test_attempts_leave_out_what_was_given_back_unrun(world: JobsWorld) -> None:
    job, hand = await world.a_job(), Hand(world)

    await hand.end(await hand.claim(), None)

    assert await attempts_of(world, job) == []


async def test_logs_of_an_attempt_leave_out_executions_that_were_given_back(
    world: JobsWorld,
) -> None:
    job, hand = await world.a_job(attempts_max=2), Hand(world)
    for word, verdict in (("back", None), ("first", JobState.FAILED), ("second", JobState.FAILED)):
        claimed = await hand.claim()
        key = LogKey(job.tenant_id, job.id, claimed.epoch)
        world.files.write([Chunk(key, 0, word.encode())])
        await hand.end(claimed, verdict, '{"type":"ValueError","message":"no"}')

    async def log(**which: int) -> tuple[str, int]:
        page = await world.logs.page(job.public_id, which=Which(**which), actor=world.actor)
        return page.text, page.execution

    assert [await log(attempt=number) for number in (1, 2)] == [("first", 2), ("second", 3)]
    assert [await log(execution=number) for number in (1, 2)] == [("back", 1), ("first", 2)]
    with pytest.raises(AttemptNotFound, match="no attempt 3; its last is 2"):
        await log(attempt=3)
    with pytest.raises(ExecutionNotFound, match="no execution 4; its last is 3"):
        await log(execution=4)


async def test_attempts_have_the_outcome_that_their_worker_told(world: JobsWorld) -> None:
    """What a job raises may be called as it likes."""
    job, hand = await world.a_job(attempts_max=3), Hand(world)

    await hand.end(await hand.claim(), JobState.FAILED, '{"type":"TimedOut","message":"no answer"}')
    silent = '{"type":"HeartbeatTimeout","message":"no sign of life"}'
    await hand.end(await hand.claim(), JobState.TIMED_OUT, silent)
    await hand.end(await hand.claim(), JobState.SUCCEEDED)

    outcomes = [outcome for _, outcome, *_ in await attempts_of(world, job)]
    assert outcomes == ["failed", "timed_out", "succeeded"]


@pytest.mark.each_database(reason="integers have other bounds")
async def test_attempts_that_shall_come_in_a_thousand_years_come_within_one(
    world: JobsWorld,
) -> None:
    """A function may take nanoseconds for seconds; no turn may fail by that."""
    job, hand = await world.a_job(attempts_max=2), Hand(world)

    await hand.end(await hand.claim(), JobState.FAILED, '{"type":"No"}', retry_seconds=1.7e18)

    waiting = await world.jobs.get(job.id, actor=world.actor)
    assert waiting.state is JobState.SCHEDULED
    assert waiting.due_at - world.clock.now() <= 366 * 86_400 * 1_000_000


async def test_attempts_go_though_there_are_more_than_of_all_else(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "pruned_per_turn_max", 1)
    await world.a_job(attempts_max=4)
    hand = Hand(world)
    for _ in range(3):
        await hand.end(await hand.claim(), JobState.FAILED, '{"type":"ValueError","message":"no"}')

    world.clock.advance(3 * 86_400)
    while await world.dispatching.housekeeping.prune(days=2) > 0:
        pass

    assert await world.rows("SELECT 1 FROM job_attempts") == []


async def test_attempts_go_with_the_history(world: JobsWorld) -> None:
    await world.a_job(attempts_max=2)
    hand = Hand(world)
    await hand.end(await hand.claim(), JobState.FAILED, '{"type":"ValueError","message":"no"}')

    world.clock.advance(3 * 86_400)
    await world.dispatching.housekeeping.prune(days=2)

    assert await world.rows("SELECT 1 FROM job_attempts") == []


async def test_progress_and_metrics_go_with_the_history(world: JobsWorld) -> None:
    job = await world.a_job()
    itself = structs.replace(world.actor, kind=ActorKind.JOB, id=job.id)
    live = LiveNotes()
    await ProgressService(world.stores.jobs, world.jobs, live).put(job.id, 50, "half", actor=itself)
    await MetricService(world.stores.jobs, world.jobs, live).put(job.id, {"a": 1}, actor=itself)
    told = "SELECT job_id FROM job_progress_notes UNION ALL SELECT job_id FROM job_metrics"
    before = await world.rows(told)

    world.clock.advance(3 * 86_400)
    await world.dispatching.housekeeping.prune(days=2)

    assert len(before) == 2
    assert await world.rows(told) == []
