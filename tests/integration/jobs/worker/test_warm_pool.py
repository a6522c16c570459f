"""Warm jobs where no more processes can be kept: they wait for one, but not for long."""

from __future__ import annotations

from functools import partial

import pytest

from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, job, succeeded
from tidemill.jobs.execution.isolation import warm as pool
from tidemill.jobs.execution.isolation.warm import WarmLimits
from tidemill.jobs.protocol.messages import Isolation, Verdict

pytestmark = pytest.mark.anyio
warm = partial(job, isolation=Isolation.WARM)
COUNTS = "count = 0\ndef main():\n    global count\n    count += 1\n    return count"


async def test_warm_integration_waits_for_a_process_where_no_more_are_kept(
    dispatcher: Dispatcher, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "wait_seconds_max", 3_600.0)
    await start_worker(slots=6, warm=WarmLimits(processes_max=1))
    await dispatcher.run(warm("first", COUNTS))
    names = [f"job-{number}" for number in range(6)]

    await dispatcher.assign(*(warm(name, COUNTS) for name in names))
    counts = [succeeded(await dispatcher.outcome(name)) for name in names]

    assert sorted(counts) == [2, 3, 4, 5, 6, 7]


async def test_warm_integration_begins_beside_a_long_job_where_no_more_are_kept(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker(warm=WarmLimits(processes_max=1))
    script = "def main(waits=False):\n    while waits: pass"
    await dispatcher.assign(warm("long", script, arguments={"waits": True}))
    await dispatcher.until(lambda: bool(dispatcher.started["long"]))

    assert succeeded(await dispatcher.run(warm("short", script))) is None

    assert worker._keeper.warm_processes == 1
    await dispatcher.cancel("long")
    assert (await dispatcher.outcome("long")).verdict is Verdict.CANCELLED


async def test_warm_integration_lets_go_of_a_process_whose_death_it_hears_of_by_its_next_job(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker()
    await dispatcher.run(warm("first", COUNTS))
    (dead,) = (process.running.process for process in worker._keeper._warm._all.values())
    # Its end of the socket has closed, and the zygote has not told yet that nobody is left.
    dead._stop_listening()

    assert succeeded(await dispatcher.run(warm("second", COUNTS))) == 1

    assert dead._ours == [], "the pipes of a dead process stay open"
    assert worker._keeper.warm_processes == 1
