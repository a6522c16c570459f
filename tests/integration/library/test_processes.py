"""A program's jobs with `tidemill worker --app` as a process of its own, killed and stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tests.fixtures.stores import until
from tidemill.jobs.contract import JobState

pytestmark = pytest.mark.anyio
seconds = 60.0


async def test_worker_integration_runs_what_another_process_enqueues(shop: Shop) -> None:
    with shop.worker_process() as worker:
        job = await program.double.options(app=shop.app).enqueue(21)

        assert await job.result(seconds) == 42
        assert "tests.fixtures.shop:double" in worker.log


async def test_worker_integration_reruns_after_kill_9(shop: Shop, tmp_path: Path) -> None:
    gate, note = tmp_path / "gate", tmp_path / "note"
    with shop.worker_process() as worker:
        job = await program.wait_for.options(app=shop.app).enqueue(gate, note)
        await until(note.exists, seconds=seconds)
        worker.kill()
        # The same worker comes back, and does not run the job any more: no lease is waited for.
        worker.start()
        await until(lambda: len(note.read_text().splitlines()) == 2, seconds=seconds)
        gate.touch()

        assert await job.result(seconds) == 2


async def test_worker_integration_stop_lets_running_jobs_finish(shop: Shop, tmp_path: Path) -> None:
    gate, note = tmp_path / "gate", tmp_path / "note"
    with shop.worker_process() as worker:
        running = await program.wait_for.options(app=shop.app).enqueue(gate, note)
        await until(note.exists, seconds=seconds)
        worker.terminate()
        await until(lambda: "worker.draining" in worker.log, seconds=seconds)
        waiting = await program.double.options(app=shop.app).enqueue(1)
        gate.touch()

        assert await running.result(seconds) == 1
        assert worker.stop() == 0
        assert await waiting.state() is JobState.QUEUED


async def test_second_worker_integration(shop: Shop) -> None:
    with shop.worker_process(), shop.worker_process(expect_start=not shop.is_sqlite) as second:
        if shop.is_sqlite:
            assert second.stop() == 78
            assert "is in use by process" in second.log
        else:
            job = await program.double.options(app=shop.app).enqueue(1)

            assert await job.result(seconds) == 2


async def test_worker_integration_says_what_is_wrong_with_the_program(shop: Shop) -> None:
    with shop.worker_process(module="tests.fixtures.nowhere", expect_start=False) as worker:
        assert worker.stop() == 78
        assert "The module tests.fixtures.nowhere cannot be imported" in worker.log
        assert "Traceback" not in worker.log
