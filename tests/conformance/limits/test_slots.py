"""Any order of enqueues, claims, ends, cancels, losses and expiries: slots are never leaked or
given twice, and those in line get them in order."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.fixtures.jobs import JobsWorld, make_jobs
from tests.fixtures.schedules import SetClock
from tests.fixtures.stores import StoresKind
from tests.fixtures.turns import Turns
from tidemill.jobs.contract import JobState
from tidemill.jobs.limits.models import Concurrency, Limits
from tidemill.jobs.queueing.queue.models import Job

SLOTS = {"narrow": 1, "wide": 2}
ROWS = """
    SELECT id, state, concurrency_key, slot_at, waits_for, order_key, position, worker_id FROM jobs
"""


class Slots(RuleBasedStateMachine):
    """Jobs of two keys, beside a plain model of who holds a slot and who is next."""

    kind: ClassVar[StoresKind] = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.made: dict[str, Job] = {}
        self.holders: set[str] = set()
        self.in_line: set[str] = set()

    @initialize()
    def open(self) -> None:
        directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        # Time passes when a rule says so: what a machine's pace decides cannot be repeated.
        made = make_jobs(self.kind, directory, clock=cast("Any", SetClock()))
        self.world: JobsWorld = self.run(self.stack.enter_async_context(made))
        self.turns = Turns(self.world)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    def run(self, awaitable: Any) -> Any:
        async def waited() -> Any:
            return await awaitable

        return self.runner.run(waited())

    @rule(
        count=st.integers(1, 4),
        key=st.sampled_from(sorted(SLOTS)),
        attempts=st.integers(1, 2),
        priority=st.integers(-1, 1),
        ttl=st.sampled_from([None, None, 3.0]),
        later=st.sampled_from([0, 0, 2]),
        item=st.sampled_from([None, "item-1"]),
    )
    def enqueue(
        self,
        *,
        count: int,
        key: str,
        attempts: int,
        priority: int,
        ttl: float | None,
        later: int,
        item: str | None,
    ) -> None:
        limits = Limits(concurrency=Concurrency(limit=SLOTS[key], key=key), ttl_seconds=ttl)
        for _ in range(count):
            job: Job = self.run(
                self.world.a_job(
                    limits=limits,
                    attempts_max=attempts,
                    priority=priority,
                    run_at=self.world.clock.now() + later * 1_000_000 if later else None,
                    work_item_id=item,
                )
            )
            self.made[job.id] = job

    @rule(slots=st.integers(1, 3))
    def claim(self, slots: int) -> None:
        self.run(self.turns.take(slots))

    @precondition(lambda self: self.turns.held)
    @rule(
        place=st.integers(0, 100),
        verdict=st.sampled_from(
            [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.TIMED_OUT, None]
        ),
    )
    def end(self, place: int, verdict: JobState | None) -> None:
        held = sorted(self.turns.held)
        self.run(self.turns.end(held[place % len(held)], verdict))

    @precondition(lambda self: self.made)
    @rule(place=st.integers(0, 100))
    def cancel(self, place: int) -> None:
        id_ = sorted(self.made)[place % len(self.made)]
        self.run(self.world.jobs.cancel_job(id_, actor=self.world.actor))

    @rule()
    def lose_the_worker(self) -> None:
        self.run(self.world.dispatching.rescue("worker-1"))
        self.turns.held.clear()

    @precondition(lambda self: self.turns.held)
    @rule(seconds=st.sampled_from([0, 1]))
    def give_back(self, seconds: int) -> None:
        id_ = min(self.turns.held)
        self.run(self.world.dispatching.give_back([self.turns.held.pop(id_)], seconds=seconds))

    @rule(seconds=st.sampled_from([1, 4]))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds)
        self.run(self.turns.take(0))

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def slots_are_held_and_handed_on(self) -> None:
        rows = self.run(self.world.rows(ROWS))
        past = {row[0] for row in self.run(self.world.rows("SELECT id FROM job_history"))}
        live = {row[0] for row in rows}
        held = dict(self.run(self.world.rows("SELECT key, held FROM concurrency_slots")))
        assert live | past == set(self.made)
        assert not live & past
        holders = {row[0] for row in rows if row[3] is not None}
        for id_, state, _, slot_at, waits_for, *_ in rows:
            assert (slot_at is not None) == (state in {"queued", "leased", "running"}), id_
            assert (state == "waiting") == (waits_for is not None)
        for key, most in SLOTS.items():
            mine = [row for row in rows if row[2] == key]
            line = {row[0]: (row[5], row[6]) for row in mine if row[4] == "concurrency"}
            count = sum(1 for row in mine if row[3] is not None)
            assert count <= most, "a slot was given twice"
            assert held.get(key, 0) == count, "the key miscounts its slots"
            assert count == most or not line, "a slot lies idle while jobs wait"
            new = [(row[5], row[6]) for row in mine if row[0] in holders - self.holders]
            # Who came due in this step may have come after the slot was handed on.
            passed = [place for id_, place in line.items() if id_ in self.in_line]
            if passed and new:
                assert max(new) < min(passed), "a job was passed in its line"
        self.holders = holders
        self.in_line = {row[0] for row in rows if row[4] == "concurrency"}


class SlotsOnPostgres(Slots):
    """The same on PostgreSQL."""

    kind = "schema"


def _settings(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def test_slots_on_sqlite() -> None:
    run_state_machine_as_test(Slots, settings=_settings(10, 25))


@pytest.mark.full(reason="a schema for each example takes 10 s of CPU")
def test_slots_on_postgres() -> None:
    run_state_machine_as_test(SlotsOnPostgres, settings=_settings(8, 25))


@pytest.mark.full(reason="a longer search than each run needs")
def test_slots_on_sqlite_at_length() -> None:
    run_state_machine_as_test(Slots, settings=_settings(60, 40))
