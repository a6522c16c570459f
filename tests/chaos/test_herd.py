"""Two hundred workers come back at once, each with a job that it holds: none of them runs again.

The workers are real ones, in one process; the dispatcher is a process of its own that is killed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chaos.effects import settle, wait_for_runs
from tests.chaos.place import Place, a_place, lease_seconds
from tests.fixtures.effects import FILE_VARIABLE, leave_effect_on_the_loop
from tests.fixtures.roles import DISPATCHER
from tests.fixtures.stores import until
from tidemill.jobs.code.functions.registry import REGISTRY
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.run import way_to_dispatcher
from tidemill.jobs.execution.worker.service import Worker

pytestmark = [
    pytest.mark.chaos(reason="two hundred workers run their jobs for longer than a lease"),
    pytest.mark.needs("postgres"),
    pytest.mark.timeout(300),
    pytest.mark.anyio,
]

WORKERS: Final = 200
herd_lease_seconds: Final = 5 * lease_seconds
job_seconds: Final = 3 * lease_seconds + herd_lease_seconds


class _Shared:
    """The functions of one process, for all of its workers."""

    def __init__(self, functions: Functions) -> None:
        self.registered = functions.registered
        self.call = functions.call

    def start(self) -> None:
        """Do nothing: they have begun already."""

    def stop(self) -> None:
        """Do nothing: others may need them still."""


async def test_herd_of_workers_that_reconnects_keeps_its_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "dispatcher.max_concurrent_dispatches": str(2 * WORKERS),
        "dispatcher.lease_seconds": str(herd_lease_seconds),
        "worker.heartbeat_interval_seconds": "1",
    }
    opening = a_place("herd", settings=settings, workers=0)
    place = await asyncio.to_thread(opening.__enter__)
    try:
        monkeypatch.setenv(FILE_VARIABLE, str(place.effects.file))
        async with _herd(place, tmp_path) as workers:
            await until(lambda: _all_connected(workers), seconds=60)
            work = place.work()
            name = leave_effect_on_the_loop.name.partition(":")[2]
            await asyncio.to_thread(work.functions, WORKERS, name=name, seconds=job_seconds)
            await asyncio.to_thread(wait_for_runs, place.effects, WORKERS)
            seconds = await _reconnect(place, workers)
            await asyncio.to_thread(work.wait)
        account = await asyncio.to_thread(
            settle,
            f"{WORKERS} workers reconnected within {seconds:.2f} s",
            work,
            place.effects,
            place.books,
            lease_seconds=herd_lease_seconds,
        )
        assert (account.repeated, account.claims) == (0, WORKERS)
        assert seconds < herd_lease_seconds
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)


async def _reconnect(place: Place, workers: list[Worker]) -> float:
    """Kill the dispatcher; return how long its successor took for all, from its first greeting."""
    place.roles.kill(DISPATCHER)
    await until(lambda: not any(worker.look().connected for worker in workers), seconds=30)
    await until(lambda: any(worker.look().connected for worker in workers), seconds=60)
    first = time.monotonic()
    await until(lambda: _all_connected(workers), seconds=60)
    return time.monotonic() - first


def _all_connected(workers: list[Worker]) -> bool:
    return all(worker.look().connected for worker in workers)


@asynccontextmanager
async def _herd(place: Place, directory: Path) -> AsyncIterator[list[Worker]]:
    functions = Functions(REGISTRY.all(), threads_max=2)
    functions.start()
    shared: Any = _Shared(functions)
    workers = []
    for number in range(WORKERS):
        options = WorkerOptions(
            worker_id=f"herd-{number}",
            socket_directory=place.roles.data_dir / "run" / "dispatcher",
            run_directory=directory / str(number),
            slots=1,
            drain_seconds_max=1.0,
        )
        workers.append(Worker(options, way_to_dispatcher(options), isolations=(), functions=shared))
    running = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.drain()
        await asyncio.gather(*running)
        functions.stop()
