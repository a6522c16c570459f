from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from uuid_utils import uuid7

from tidemill.core.actor import system
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.models import (
    Ending,
    Job,
    RetryPolicy,
    day_of,
    given_back,
    is_uuid7,
    order_key,
    rescued,
    rescues_max,
    settled,
    suspicion_factor,
)
from tidemill.jobs.queueing.queue.requests import Code, new_job

NOW = Instant(1_800_000_000_000_000)
POLICY = RetryPolicy(seconds_min=1, seconds_max=60)


def a_job(**fields: Any) -> Job:
    job = new_job(
        str(uuid7()),
        JobRequest(language="bash", content="true"),
        Code(language="bash", content_hash="hash", content="true"),
        QueueLimits(),
        actor=system("tests", TenantId("t")),
        now=NOW,
    )
    held = structs.replace(job, state=JobState.RUNNING, worker_id="one", epoch=1, attempts=1)
    return structs.replace(held, **fields)


def ending(verdict: JobState | None) -> Ending:
    return Ending(verdict=verdict, started_at=NOW, finished_at=NOW, result="1")


@given(failures=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_delay_grows_within_its_limits(failures: int, jitter: float) -> None:
    seconds = POLICY.delay(failures, jitter) / 1_000_000

    assert 1 <= seconds <= 66
    assert seconds >= min(60, 2.0 ** min(failures - 1, 10)) * 0.9 or seconds == 1


def test_order_key_counts_a_step_of_priority_like_earlier_arrival() -> None:
    assert order_key(NOW, 1, 60) == order_key(Instant(NOW - 60_000_000), 0, 60)


def test_day_of_an_id_is_the_day_when_it_was_made() -> None:
    assert day_of("019a9b2c-0000-7000-8000-000000000000") == 0x019A9B2C0000 // 86_400_000


@pytest.mark.parametrize("text", ["", "x" * 36, "019a9b2c-0000-4000-8000-000000000000", "nightly"])
def test_is_uuid7_refuses_what_was_not_made_here(text: str) -> None:
    assert not is_uuid7(text)


def test_settled_tries_again_while_attempts_are_left() -> None:
    again = settled(a_job(attempts_max=2), ending(JobState.FAILED), POLICY, now=NOW, jitter=0.5)
    over = settled(
        a_job(attempts=2, attempts_max=2), ending(JobState.FAILED), POLICY, now=NOW, jitter=0.5
    )

    assert (again.state, again.due_at, again.worker_id) == (
        JobState.SCHEDULED, NOW + 1_000_000, None,
    )  # fmt: skip
    assert over.state is JobState.FAILED


def test_settled_prefers_a_cancel_to_another_attempt_but_not_to_success() -> None:
    job = a_job(attempts_max=5, cancel_requested_at=NOW)

    failed = settled(job, ending(JobState.FAILED), POLICY, now=NOW, jitter=0)
    succeeded = settled(job, ending(JobState.SUCCEEDED), POLICY, now=NOW, jitter=0)

    assert failed.state is JobState.CANCELLED
    assert (succeeded.state, succeeded.result) == (JobState.SUCCEEDED, "1")


def test_given_back_counts_for_nothing() -> None:
    back = given_back(a_job(attempts=1), now=NOW)

    assert (back.state, back.attempts, back.rescues) == (JobState.QUEUED, 0, 0)


def test_rescued_ends_a_job_that_takes_all_workers_along() -> None:
    back = rescued(a_job(), POLICY, now=NOW, jitter=0.5)
    ended = rescued(a_job(rescues=rescues_max - 1), POLICY, now=NOW, jitter=0.5)

    assert (back.state, back.rescues) == (JobState.QUEUED, 1)
    assert (ended.state, ended.finished_at) == (JobState.FAILED, NOW)


def test_rescued_again_waits_a_moment_by_chance() -> None:
    pauses = [
        rescued(a_job(rescues=2), POLICY, now=NOW, jitter=jitter).due_at - NOW
        for jitter in (0.1, 0.9)
    ]

    assert 0 < pauses[0] < pauses[1]


def test_rescued_spares_jobs_that_reach_their_limit_together_until_it_shows_which_it_is() -> None:
    def next_of(rescues: int, *, alone: bool) -> JobState:
        job = a_job(rescues=rescues)
        return rescued(job, POLICY, now=NOW, jitter=0.5, alone=alone).state

    limit = rescues_max
    assert next_of(limit - 1, alone=False) is JobState.SCHEDULED
    assert next_of(limit, alone=True) is JobState.FAILED
    assert next_of(limit * suspicion_factor - 1, alone=False) is JobState.FAILED
