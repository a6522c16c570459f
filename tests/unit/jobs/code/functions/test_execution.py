from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tidemill.jobs.code.functions.execution import FunctionExecution

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_limit_is_not_moved_by_a_clock_that_is_set(
    seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"timeout_seconds": 600.0, "start_seconds": None, "heartbeat_seconds": None}
    assignment = SimpleNamespace(job_id="job", epoch=1, secrets=(), **limits)
    shared = SimpleNamespace(deadlines=SimpleNamespace(watch=lambda _: None))
    execution = FunctionExecution(cast("Any", assignment), None, cast("Any", shared))
    execution._note_start()
    there = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: there() + seconds * 10**9)

    execution.limit()

    (timer,) = execution._timers
    left = timer.when() - asyncio.get_running_loop().time()
    timer.cancel()
    # A machine that stalls for long has some of the time behind it already.
    assert 0 < left <= 600
