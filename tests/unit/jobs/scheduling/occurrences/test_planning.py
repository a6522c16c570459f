"""A scheduler in miniature, on the rules alone, driven at random: no due time is lost or doubled.

The clock stands still, runs, leaps over hours and is put back; runs end or do not; the schedule
is paused and resumed. After each step the books are checked.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from tidemill.core.clock import Instant
from tidemill.core.ids import UserId
from tidemill.jobs.scheduling.calendars.models import CalendarRule
from tidemill.jobs.scheduling.occurrences.deciding import Verdict, decide
from tidemill.jobs.scheduling.occurrences.models import Kind, Occurrence, OccurrenceState, Origin
from tidemill.jobs.scheduling.occurrences.planning import late_seconds, plan
from tidemill.jobs.scheduling.schedules.models import (
    Definition,
    Missed,
    Overlap,
    Owner,
    Schedule,
    Trigger,
)
from tidemill.jobs.scheduling.schedules.timetables import Timetable

_SECOND = 1_000_000
_START = Instant(1_900_000_000 * _SECOND)
PENDING, STARTED = OccurrenceState.PENDING, OccurrenceState.STARTED


class SchedulerMachine(RuleBasedStateMachine):
    """The steps of the real one, in the same order, with a dict for a table."""

    overlap: Overlap

    @initialize(
        missed=st.sampled_from(Missed),
        every=st.sampled_from([20, 60]),
        queue_max=st.integers(1, 3),
        catch_up_max=st.integers(1, 4),
    )
    def begin(self, missed: Missed, every: int, queue_max: int, catch_up_max: int) -> None:
        definition = Definition(
            script_path="x",
            trigger=Trigger(every_seconds=every),
            overlap=self.overlap,
            missed=missed,
            queue_max=queue_max,
            catch_up_max=catch_up_max,
        )
        self.table = Timetable(definition, CalendarRule(), _START)
        self.schedule = Schedule(
            id="s", path="s", definition=definition, owner=Owner(user_id=UserId("u")),
            anchor_at=_START, next_at=self.table.first_after(_START), wake_at=None,
            disabled_at=None, paused_at=None, paused_until=None, failures=0, version=1,
            created_at=_START, created_by="u", updated_at=_START, updated_by="u",
        )  # fmt: skip
        self.now = self.latest = _START
        self.rows: dict[Instant, Occurrence] = {}
        self.resumed: list[tuple[Instant, Instant]] = []

    @rule(seconds=st.sampled_from([1, 45, 61, 100, 600, 7_200]))
    def time_passes(self, seconds: int) -> None:
        self.now = Instant(self.now + seconds * _SECOND)
        self.fire()

    @rule(seconds=st.integers(1, 4_000))
    def clock_is_put_back(self, seconds: int) -> None:
        self.now = Instant(self.now - seconds * _SECOND)
        self.fire()

    @rule(which=st.integers(0, 20))
    def a_run_ends(self, which: int) -> None:
        running = self.of(STARTED)
        if running:
            self.put(running[which % len(running)], OccurrenceState.SUCCEEDED)
        self.fire()

    @rule()
    def pause(self) -> None:
        if not self.schedule.paused(self.now) and self.schedule.paused_at is None:
            self.schedule = structs.replace(self.schedule, paused_at=self.now, paused_until=None)

    @rule()
    def resume(self) -> None:
        if self.schedule.paused(self.now):
            self.schedule = structs.replace(self.schedule, paused_until=self.now)
        self.fire()

    def fire(self) -> None:
        """Do what the leader does when it looks."""
        self.latest = max(self.latest, self.now)
        if not self.schedule.paused(self.now):
            planned = plan(self.schedule, self.table, now=self.now)
            for row in planned.rows:
                assert row.due_at not in self.rows, "a due time came twice"
                self.rows[row.due_at] = Occurrence(
                    str(row.due_at), "s", Kind.RUN if row.dues == 1 else Kind.GAP, row.due_at,
                    row.through_at, row.dues, Origin.SCHEDULE, row.due_at, row.state, row.reason,
                    None, self.now, None, None,
                )  # fmt: skip
            self.schedule = structs.replace(
                self.schedule, next_at=planned.next_at, paused_at=None, paused_until=None
            )
        pending = [(one, ()) for one in self.of(PENDING)]
        started = {str(Origin.SCHEDULE): len(self.of(STARTED))}
        decisions = decide(self.schedule, pending, running=started, now=self.now)
        for (one, _), decision in zip(pending, decisions, strict=True):
            if decision.verdict is Verdict.START:
                assert one.due_at <= self.now, "it started before its time"
                self.put(one, STARTED)
            elif decision.verdict is Verdict.SKIP:
                assert decision.reason
                self.put(one, OccurrenceState.SKIPPED)
            if decision.cancel:
                for running in self.of(STARTED):
                    self.put(running, OccurrenceState.FAILED)

    def of(self, state: OccurrenceState) -> list[Occurrence]:
        return [self.rows[due] for due in sorted(self.rows) if self.rows[due].state is state]

    def put(self, occurrence: Occurrence, state: OccurrenceState) -> None:
        self.rows[occurrence.due_at] = structs.replace(occurrence, state=state)

    @invariant()
    def every_due_time_is_accounted_for(self) -> None:
        if not hasattr(self, "rows") or self.schedule.next_at is None:
            return
        due = self.table.between(_START, Instant(self.schedule.next_at - 1), limit=1_000_000)
        assert sum(row.dues for row in self.rows.values()) == len(due)
        assert all(row.due_at < self.schedule.next_at for row in self.rows.values())

    @invariant()
    def overlap_holds(self) -> None:
        if not hasattr(self, "rows"):
            return
        definition = self.schedule.definition
        if definition.overlap is not Overlap.ALLOW:
            assert len(self.of(STARTED)) <= 1
        if self.schedule.paused(self.now):
            return
        most = {
            Overlap.QUEUE_ONE: 1,
            Overlap.QUEUE_ALL: definition.waiting_max,
            Overlap.CANCEL_RUNNING: 1,
        }
        ready = [one for one in self.of(PENDING) if one.starts_at <= self.now]
        assert len(ready) <= most.get(definition.policy, 0)

    @invariant()
    def catching_up_has_a_bound(self) -> None:
        if not hasattr(self, "rows") or self.schedule.definition.missed is not Missed.SKIP:
            return
        for one in self.rows.values():
            if one.state not in {OccurrenceState.MISSED, OccurrenceState.SKIPPED}:
                assert one.created_at - one.due_at <= late_seconds * _SECOND


@pytest.mark.parametrize("policy", Overlap)
def test_plan_and_decide_keep_the_books(policy: Overlap) -> None:
    machine = type("Machine", (SchedulerMachine,), {"overlap": policy})

    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=20))
