"""A program's jobs with `tidemill worker --app` as a process of its own, killed and stopped."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tests.fixtures.ports import free_port
from tests.fixtures.stores import until
from tidemill.jobs.contract import JobState

pytestmark = pytest.mark.anyio
seconds = 60.0
# What the command does before or beside the queue is the same on both.
_on_one_database = pytest.mark.parametrize(
    "shop",
    [
        "sqlite",
        pytest.param(
            "postgres",
            marks=pytest.mark.full(reason="a process, 1.2 s of CPU; SQLite stands for both"),
        ),
    ],
    indirect=True,
)


@pytest.mark.each_database(reason="processes share the queue by either")
async def test_worker_integration_runs_what_another_process_enqueues(shop: Shop) -> None:
    with shop.worker_process() as worker:
        job = await program.double.options(app=shop.app).enqueue(21)

        assert await job.result(seconds) == 42
        assert "tests.fixtures.shop:double" in worker.log


@pytest.mark.each_database(reason="processes share the queue by either")
async def test_worker_integration_reruns_after_kill_9(shop: Shop, tmp_path: Path) -> None:
    gate, note = tmp_path / "gate", tmp_path / "note"
    with shop.worker_process() as worker:
        job = await program.wait_for.options(app=shop.app).enqueue(gate, note)
        await until(lambda: note.exists() and note.read_text(), seconds=seconds)
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
        await until(lambda: note.exists() and note.read_text(), seconds=seconds)
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
            assert "A SQLite file has one worker" in second.log
        else:
            job = await program.double.options(app=shop.app).enqueue(1)

            assert await job.result(seconds) == 2


@_on_one_database
async def test_worker_integration_says_what_is_wrong_with_the_program(shop: Shop) -> None:
    with shop.worker_process(module="tests.fixtures.nowhere", expect_start=False) as worker:
        assert worker.stop() == 78
        assert "The module tests.fixtures.nowhere cannot be imported" in worker.log
        assert "Traceback" not in worker.log


@_on_one_database
async def test_worker_integration_answers_probes_where_it_is_told_to(
    shop: Shop, tmp_path: Path
) -> None:
    gate, note = tmp_path / "gate", tmp_path / "note"
    address = f"127.0.0.1:{free_port()}"
    with shop.worker_process("--set", f"worker.http_address={address}") as worker:
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=seconds) as client:
            await (await program.double.options(app=shop.app).enqueue(1)).result(seconds)
            running = await program.wait_for.options(app=shop.app).enqueue(gate, note)
            await until(lambda: note.exists() and note.read_text(), seconds=seconds)
            ready, metrics = await client.get("/ready"), (await client.get("/metrics")).text
            worker.terminate()
            await until(lambda: "worker.draining" in worker.log, seconds=seconds)
            draining = await client.get("/ready")
            gate.touch()
            await running.result(seconds)

    assert (ready.status_code, draining.status_code) == (200, 503)
    assert 'tidemill_jobs_completed_total{outcome="succeeded"} 1.0' in metrics
    assert "tidemill_worker_jobs_running 1.0" in metrics


@_on_one_database
async def test_worker_integration_says_that_the_address_of_its_probes_is_taken(
    shop: Shop,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        options = ("--set", f"worker.http_address={address}")
        with shop.worker_process(*options, expect_start=False) as worker:
            assert worker.stop() == 78
            assert f"tidemill: {address} cannot be listened on" in worker.log
            assert "Traceback" not in worker.log
