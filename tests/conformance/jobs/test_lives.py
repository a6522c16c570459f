"""Any order of claims, outcomes, losses and cancels: no job is lost, none is ended twice."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from tests.fixtures.jobs import JobsWorld, make_jobs
from tests.fixtures.schedules import SetClock
from tests.fixtures.stores import a_tenant
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.jobs.contract import FINAL_STATES, JobState
from tidemill.jobs.dispatching.dispatcher.models import Begun, Demand, Ended, Ring, Turn
from tidemill.jobs.queueing.queue.models import Ending, Job, rescues_max, suspicion_factor
from tidemill.jobs.queueing.workers.models import Registration

WORKERS = ("one", "two")
VERDICTS = (JobState.SUCCEEDED, JobState.FAILED, JobState.TIMED_OUT, JobState.CANCELLED, None)


class JobLives(RuleBasedStateMachine):
    """The queue beside a plain model of it: who holds which job under which epoch."""

    jobs = Bundle("jobs")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.ring = Ring()
        self.holder: dict[str, tuple[str, int]] = {}
        self.last_epoch: dict[str, int] = {}
        self.final: dict[str, JobState] = {}
        self.tenants: dict[str, str] = {}

    @initialize()
    def open(self) -> None:
        directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        # Time passes when a rule says so: what a machine's pace decides cannot be repeated.
        made = make_jobs("sqlite", directory, clock=cast("Any", SetClock()))
        self.world: JobsWorld = self.run(self.stack.enter_async_context(made))
        second = self.run(a_tenant(self.world.stores))
        self.actors: list[Actor] = [self.world.actor, self.world.an_actor(second)]

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    def run(self, awaitable: Any) -> Any:
        async def waited() -> Any:
            return await awaitable

        return self.runner.run(waited())

    @rule(
        target=jobs,
        tenant=st.integers(0, 1),
        attempts_max=st.integers(1, 3),
        priority=st.integers(-1, 1),
        item=st.sampled_from([None, "item-1"]),
    )
    def enqueue(self, tenant: int, attempts_max: int, priority: int, item: str | None) -> Job:
        job: Job = self.run(
            self.world.a_job(
                actor=self.actors[tenant],
                attempts_max=attempts_max,
                priority=priority,
                work_item_id=item,
            )
        )
        self.tenants[job.id] = job.tenant_id
        return job

    @rule(target=claims, worker=st.sampled_from(WORKERS), slots=st.integers(1, 4))
    def claim(self, worker: str, slots: int) -> Any:
        demand = Demand(
            worker_id=worker,
            generation=1,
            slots=slots,
            tags=("default",),
            isolations=("sandbox",),
        )
        turn: Turn = self.run(self.world.dispatching.turn([], [demand], self.ring, leads=True))
        self.ring = turn.ring
        claimed = turn.claimed[worker]
        assert len(claimed) <= slots
        for job in claimed:
            assert job.id not in self.holder, "a job was given away twice"
            assert job.id not in self.final, "a job runs after its end"
            assert job.epoch > self.last_epoch.get(job.id, 0), "an epoch was given twice"
            self.holder[job.id] = (worker, job.epoch)
            self.last_epoch[job.id] = job.epoch
        return multiple(*claimed)

    @rule(claim=claims)
    def begin(self, claim: Job) -> None:
        begun = Begun(claim.tenant_id, claim.id, claim.epoch, 1)
        if claim.followed:
            self.run(self.world.dispatching.begin_followed(begun))
        else:
            self.run(self.world.dispatching.begin([begun]))

    @rule(claim=consumes(claims), verdict=st.sampled_from(VERDICTS), twice=st.booleans())
    def end(self, claim: Job, verdict: JobState | None, twice: bool) -> None:
        ending = Ending(verdict=verdict, started_at=Instant(1), finished_at=Instant(2))
        end = Ended(claim.tenant_id, claim.id, claim.epoch, ending)
        mine = self.holder.get(claim.id, ("", 0))[1] == claim.epoch
        for _ in range(2 if twice else 1):
            if claim.followed or verdict in {JobState.FAILED, JobState.TIMED_OUT}:
                done = self.run(self.world.dispatching.end_followed([end]))
            else:
                turn = self.run(self.world.dispatching.turn([end], [], self.ring, leads=True))
                done = turn.ended
            assert len(done) == (1 if mine else 0), "a late outcome was recorded"
            for job in done:
                del self.holder[job.id]
                self.ended(job)
            mine = False

    @rule(worker=st.sampled_from(WORKERS))
    def lose_worker(self, worker: str) -> None:
        lost = {id_ for id_, (name, _) in self.holder.items() if name == worker}
        rescued = self.run(self.world.dispatching.rescue(worker))
        assert {job.id for job in rescued} == lost
        for job in rescued:
            del self.holder[job.id]
            assert job.rescues <= rescues_max * suspicion_factor
            self.ended(job)

    @rule(worker=st.sampled_from(WORKERS), knows=st.booleans())
    def return_worker(self, worker: str, knows: bool) -> None:
        mine = {id_: epoch for id_, (name, epoch) in self.holder.items() if name == worker}
        registration = Registration(
            id=worker, host="here", slots=4, tags=("default",), isolations=("sandbox",)
        )
        holding = mine if knows else {id_: epoch - 1 for id_, epoch in mine.items()}
        registered = self.run(self.world.dispatching.register(registration, holding))
        assert {job.id for job in registered.kept} == (set(mine) if knows else set())
        for job in registered.rescued:
            del self.holder[job.id]
            self.ended(job)

    @rule(job=jobs)
    def cancel(self, job: Job) -> None:
        actor = next(one for one in self.actors if one.tenant_id == job.tenant_id)
        cancelled = self.run(self.world.jobs.cancel_job(job.id, actor=actor))
        if job.id in self.final:
            assert cancelled.state is self.final[job.id]
        elif job.id not in self.holder:
            assert cancelled.state is JobState.CANCELLED
            self.ended(cancelled)

    @rule()
    def wait_for_retries(self) -> None:
        self.world.clock.advance(1)

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def no_job_is_lost_or_doubled(self) -> None:
        live = self.run(self.world.rows("SELECT id, state, worker_id, epoch FROM jobs"))
        past = self.run(self.world.rows("SELECT id, state FROM job_history"))
        states = dict(tuple(row) for row in past)
        assert states == self.final
        assert sorted([row[0] for row in live] + list(states)) == sorted(self.tenants)
        held = {row[0]: (row[2], row[3]) for row in live if row[2] is not None}
        assert held == self.holder
        assert not {row[1] for row in live} & FINAL_STATES

    def ended(self, job: Job) -> None:
        if job.state.final:
            assert job.id not in self.final, "a job ended twice"
            self.final[job.id] = job.state


TestJobLives = JobLives.TestCase
TestJobLives.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
