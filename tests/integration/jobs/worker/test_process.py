"""The worker as a process of its own: killed, told to stop, and looked at from outside."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.integration.jobs.worker.dispatcher import Dispatcher, eventually, job, succeeded
from tidemill.jobs.protocol.messages import Held, Isolation, Verdict

pytestmark = pytest.mark.anyio

_MAIN = """
import sys
from pathlib import Path
from tidemill.jobs.protocol.messages import Isolation
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.run import run_worker
run_worker(WorkerOptions(
    worker_id=sys.argv[1], socket_directory=Path(sys.argv[2]), run_directory=Path(sys.argv[3]),
    slots=2, reconnect_seconds_max=0.1,
    isolations=(Isolation.FORK, Isolation.SANDBOX),
))
"""
CRASH_POINTS = (
    "worker_before_start",
    "worker_after_start",
    "worker_before_outcome",
    "worker_after_outcome_sent",
)
SCRIPT = (
    "import os\ndef main(mark):\n"
    "    with open(mark, 'a') as file: file.write('run\\n')\n    return os.getpid()"
)

Process = asyncio.subprocess.Process
Spawn = Callable[..., Awaitable[Process]]


@pytest.fixture
async def spawn(dispatcher: Dispatcher, tmp_path: Path) -> AsyncIterator[Spawn]:
    """Start worker processes; whatever lives at the end of the test is killed."""
    processes: list[Process] = []

    async def start(**environment: str) -> Process:
        processes.append(
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", _MAIN, tmp_path.name, str(dispatcher.directory),
                str(tmp_path / "worker"), env=os.environ | environment,
            )
        )  # fmt: skip
        return processes[-1]

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_worker_integration_finishes_its_jobs_at_term(
    dispatcher: Dispatcher, spawn: Spawn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gate = tmp_path_factory.mktemp("gates") / "gate"
    process = await spawn()
    script = (
        "import os, time\ndef main(gate):\n    print('on')\n"
        "    while not os.path.exists(gate): time.sleep(0.01)\n    return 'finished'"
    )
    await dispatcher.assign(job("j", script, arguments={"gate": str(gate)}))
    await dispatcher.until(lambda: b"on" in dispatcher.logs["j"])

    process.terminate()
    await dispatcher.until(lambda: dispatcher.draining)
    gate.touch()

    assert succeeded(await dispatcher.outcome("j")) == "finished"
    assert await asyncio.wait_for(process.wait(), 60) == 0


@pytest.mark.parametrize("isolation", [Isolation.FORK, Isolation.SANDBOX])
async def test_worker_integration_takes_its_jobs_along_when_killed(
    dispatcher: Dispatcher, spawn: Spawn, isolation: Isolation, tmp_path: Path
) -> None:
    mark = f"along-{tmp_path.name}-{isolation}"
    script = f"import os\ndef main():\n    print('on')\n    os.system('sleep 60; : {mark}')"
    process = await spawn()
    await dispatcher.assign(job("j", script, isolation=isolation))
    await dispatcher.until(lambda: b"on" in dispatcher.logs["j"])
    await eventually(lambda: _processes_with(mark) > 0)

    process.kill()

    await eventually(lambda: _processes_with(mark) == 0)


async def test_worker_integration_tells_after_a_kill_what_was_not_taken(
    dispatcher: Dispatcher, spawn: Spawn
) -> None:
    dispatcher.acknowledges = False
    process = await spawn()
    first = await dispatcher.run(job("j", "def main(): return 5"))
    process.kill()
    await process.wait()

    await spawn()
    await dispatcher.until(lambda: len(dispatcher.outcomes["j"]) == 2)

    assert dispatcher.outcomes["j"] == [first, first]
    assert dispatcher.hellos[-1].unacknowledged == (Held("j", 1),)
    assert dispatcher.hellos[-1].holding == ()


@pytest.mark.parametrize("point", CRASH_POINTS)
async def test_worker_integration_loses_no_job_when_it_crashes(
    dispatcher: Dispatcher, spawn: Spawn, point: str, tmp_path: Path
) -> None:
    """What the next worker does not tell may be leased again; what it tells was run once."""
    mark = tmp_path / "runs"
    crashed = await spawn(TIDEMILL_CRASH_AT=point)
    await dispatcher.assign(job("j", SCRIPT, arguments={"mark": str(mark)}))
    assert await asyncio.wait_for(crashed.wait(), 60) == -signal.SIGKILL

    await spawn()
    await dispatcher.connected(hellos=2)
    told = bool(dispatcher.hellos[-1].unacknowledged or dispatcher.outcomes["j"])
    if not told:
        await dispatcher.assign(job("j", SCRIPT, epoch=2, arguments={"mark": str(mark)}))
    outcome = await dispatcher.outcome("j")

    assert outcome.verdict is Verdict.SUCCEEDED
    assert outcome.epoch == (1 if told else 2)
    if point in {"worker_before_start", "worker_after_outcome_sent"}:
        assert mark.read_text() == "run\n"


async def test_worker_integration_is_nice_and_runs_on_the_loop_of_the_standard_library(
    dispatcher: Dispatcher, spawn: Spawn
) -> None:
    process = await spawn()
    await dispatcher.connected()

    maps = Path(f"/proc/{process.pid}/maps").read_text()  # noqa: ASYNC240 - a few bytes

    assert os.getpriority(os.PRIO_PROCESS, process.pid) == 10
    assert "uvloop" not in maps


def _processes_with(mark: str) -> int:
    found = 0
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += mark.encode() in entry.read_bytes()
        except OSError:
            continue
    return found
