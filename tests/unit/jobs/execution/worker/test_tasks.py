from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from tidemill.jobs.execution.worker.tasks import SideTasks

pytestmark = pytest.mark.anyio


async def test_side_tasks_tell_what_failed() -> None:
    async def break_() -> None:
        raise ValueError

    with capture_logs() as said:
        task = SideTasks().spawn(break_())
        await asyncio.wait([task])
        await asyncio.sleep(0)

    assert [line["event"] for line in said] == ["worker.task_failed"]


async def test_side_tasks_end_with_the_worker_and_say_nothing_of_it() -> None:
    tasks = SideTasks()
    cleaned = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    tasks.spawn(wait())
    await asyncio.sleep(0)
    with capture_logs() as said:
        await tasks.cancel()

    assert cleaned.is_set()
    assert said == []
