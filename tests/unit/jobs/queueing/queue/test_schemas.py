from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from uuid_utils import uuid7

from tidemill.core.actor import system
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.models import Job, to_json
from tidemill.jobs.queueing.queue.requests import Code, new_job
from tidemill.jobs.queueing.queue.schemas import JobView

LONG = 64 * 1024


def a_failed_job(**error: str) -> Job:
    job = new_job(
        str(uuid7()),
        JobRequest(language="bash", content="true"),
        Code(language="bash", content_hash="hash", content="true"),
        QueueLimits(),
        actor=system("tests", TenantId("t")),
        now=Instant(1_800_000_000_000_000),
    )
    return structs.replace(job, state=JobState.FAILED, error=to_json(error))


def test_listed_leaves_a_short_error_as_it_is() -> None:
    error = {"type": "ValueError", "message": "no tide", "traceback": "line 1"}

    view = JobView.listed(a_failed_job(**error))

    assert (view.error, view.error_truncated) == (error, False)


@pytest.mark.parametrize("long", ["type", "message", "traceback", "extra"])
def test_listed_keeps_what_a_long_error_says_first(long: str) -> None:
    error: dict[str, Any] = {"type": "ValueError", "message": "no tide", "traceback": "line 1"}
    job = a_failed_job(**{**error, long: "x" * LONG})

    view = JobView.listed(job)

    shown = error | {"traceback": ""}
    if long in {"type", "message"}:
        shown[long] = "x" * 499 + "…"
    assert (view.error, view.error_truncated) == (shown, True)
    assert JobView.of(job).error == {**error, long: "x" * LONG}
