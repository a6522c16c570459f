from __future__ import annotations

import asyncio
import time

import anyio
import pytest

from tidemill.jobs.execution.worker.pulses import Pulse, pulse_of
from tidemill.jobs.protocol.messages import Assignment, Isolation, Verdict

pytestmark = pytest.mark.anyio


def an_assignment(start: float | None = None, heartbeat: float | None = None) -> Assignment:
    return Assignment(
        job_id="job",
        epoch=1,
        attempt=1,
        tenant_id="default",
        language="python",
        content_hash="",
        content="",
        arguments=b"{}",
        isolation=Isolation.SANDBOX,
        timeout_seconds=60,
        token="",
        start_seconds=start,
        heartbeat_seconds=heartbeat,
    )


class Stopped:
    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self.happened = asyncio.Event()

    def __call__(self, verdict: Verdict, grace_seconds: float) -> None:
        del grace_seconds
        self.verdict = verdict
        self.happened.set()


async def test_pulse_ends_what_does_not_begin_in_time() -> None:
    stopped = Stopped()
    pulse = Pulse(an_assignment(start=0.01), stopped, grace_seconds=1)
    pulse.expect_start()

    with anyio.fail_after(60):
        await stopped.happened.wait()

    assert stopped.verdict is Verdict.TIMED_OUT
    assert (pulse.error or {})["type"] == "StartTimeout"


async def test_pulse_ends_what_gives_no_sign_of_life() -> None:
    stopped = Stopped()
    pulse = Pulse(an_assignment(heartbeat=0.02), stopped, grace_seconds=1)
    pulse.expect_start()
    pulse.begun(lambda: 0.0)

    with anyio.fail_after(60):
        await stopped.happened.wait()

    assert (pulse.error or {})["type"] == "HeartbeatTimeout"


async def test_pulse_lets_live_what_beats() -> None:
    stopped, asked = Stopped(), asyncio.Event()

    def beat() -> float:
        asked.set()
        return time.monotonic()

    pulse = Pulse(an_assignment(start=0.01, heartbeat=0.02), stopped, grace_seconds=1)
    pulse.begun(beat)
    for _ in range(3):
        asked.clear()
        with anyio.fail_after(60):
            await asked.wait()
    pulse.end()

    assert not stopped.happened.is_set()


async def test_pulse_is_for_jobs_whose_limits_ask_for_it() -> None:
    assert pulse_of(an_assignment(), Stopped(), grace_seconds=1) is None
    assert pulse_of(an_assignment(heartbeat=1), Stopped(), grace_seconds=1) is not None
