"""A program's jobs with `tidemill worker --app` as a process of its own, killed and stopped."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import pytest

import tidemill
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


async def test_outbox_integration_each_left_job_becomes_one_job_over_kills(
    shop: Shop, tmp_path: Path
) -> None:
    if not shop.is_sqlite:
        pytest.skip("needs no database of its own kind: the outbox is the program's SQLite file")
    connection = sqlite3.connect(shop.outbox)
    connection.execute("PRAGMA journal_mode=WAL")
    tidemill.create_outbox(connection)
    handles = []
    with shop.worker_process() as worker:
        for burst in range(4):
            for number in range(40):
                name = f"{burst}-{number}"
                note_down = program.note_down.options(app=shop.app)
                handles.append(note_down.enqueue_in_sync(connection, tmp_path, name))
            connection.commit()
            await until(partial(_has, tmp_path, 30 * burst + 1), seconds=seconds)
            worker.kill()
            worker.start()
        for handle in handles:
            await handle.result(seconds)

    jobs = sqlite3.connect(shop.directory / "jobs.db")
    known = jobs.execute("SELECT COUNT(*), COUNT(DISTINCT key) FROM job_keys").fetchone()
    assert known == (160, 160)
    finished = jobs.execute("SELECT COUNT(*) FROM job_history").fetchone()
    assert finished == (160,)
    assert _has(tmp_path, 160)
    assert connection.execute("SELECT COUNT(*) FROM tidemill_outbox").fetchone() == (0,)
    connection.close()
    jobs.close()


def _has(directory: Path, count: int) -> bool:
    return len(list(directory.iterdir())) >= count
