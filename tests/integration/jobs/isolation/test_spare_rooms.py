"""The room that waits for the next job: it is there, it is clean, and it does not stay for ever."""

from __future__ import annotations

import json
import os
import select
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.jobs.isolation.keeping import until
from tidemill.jobs.execution.isolation.keeper import Keeper, KeeperOptions
from tidemill.jobs.execution.isolation.plan import JobLimits, Specification, Walls, ZygoteKey
from tidemill.jobs.execution.isolation.running import RunningJob
from tidemill.jobs.execution.worker.output import Collected
from tidemill.jobs.execution.worker.pipes import Pipe

pytestmark = pytest.mark.anyio
MEBIBYTE = 1024 * 1024
LIMITS = JobLimits(memory_bytes_max=256 * MEBIBYTE, disk_bytes_max=8 * MEBIBYTE, processes_max=16)
SANDBOX = ZygoteKey(Walls.NAMESPACES, "tenant-a")
both = pytest.mark.parametrize("walls", [Walls.NAMESPACES, Walls.NONE])
LEAVES_TRACES = """
import builtins, os
def main():
    builtins.trace = "trace"
    os.environ["TRACE"] = "trace"
    with open("/tmp/trace", "w") as file:
        file.write("trace")
    return os.getpid()
"""
LOOKS_FOR_TRACES = """
import builtins, os
def main():
    return [hasattr(builtins, "trace"), "TRACE" in os.environ, os.path.exists("/tmp/trace"),
            os.environ["MARK"]]
"""


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[Keeper]:
    keeper = Keeper(_options(tmp_path))
    await keeper.start()
    yield keeper
    await keeper.stop()


def _options(directory: Path, **fields: Any) -> KeeperOptions:
    defaults: dict[str, Any] = {
        "worker_id": directory.name,
        "slots": 1,
        "directory": directory / "jobs",
    }
    return KeeperOptions(**(defaults | fields))


async def _begin(keeper: Keeper, content: str, key: ZygoteKey = SANDBOX) -> RunningJob:
    specification = Specification(
        language="python", name="script", content=content, arguments="{}",
        environment={"MARK": "own"}, result_bytes_max=1000,
    )  # fmt: skip
    return await keeper.run(key, specification, LIMITS)


async def _run(keeper: Keeper, content: str, key: ZygoteKey = SANDBOX) -> Any:
    running = await _begin(keeper, content, key)
    result = Collected(1000)
    await running.end()
    assert running.process.result is not None
    await Pipe(running.process.result, result.add).read()
    running.process.close()
    return json.loads(result.get())["result"]


@both
async def test_keeper_integration_has_one_room_ready_after_a_job(
    keeper: Keeper, walls: Walls
) -> None:
    key = ZygoteKey(walls, "tenant-a")
    for _ in range(3):
        await _run(keeper, LEAVES_TRACES, key)

    await until(lambda: keeper.spares == 1)
    waiting = (await keeper.ready(key)).take_spare()
    assert waiting is not None
    assert waiting.job is None


async def test_keeper_integration_leaves_no_trace_of_a_job_in_the_next_room(keeper: Keeper) -> None:
    await _run(keeper, LEAVES_TRACES)
    await until(lambda: keeper.spares == 1)

    assert await _run(keeper, LOOKS_FOR_TRACES) == [False, False, False, "own"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give each room a user id")
async def test_keeper_integration_gives_a_room_beside_a_job_another_user(keeper: Keeper) -> None:
    running = await _begin(keeper, "import time\ndef main():\n    time.sleep(60)")
    await until(lambda: keeper.spares == 1)
    beside = (await keeper.ready(SANDBOX)).take_spare()

    assert beside is not None
    rooms = (await keeper.ready(SANDBOX))._rooms.values()
    assert len({room.cell.uid for room in rooms}) == 2
    assert len({id(room.cell.group) for room in rooms if room.cell.group}) in {0, 2}
    running.kill()
    await running.end()
    running.process.close()


@both
async def test_keeper_integration_runs_a_job_whose_room_has_died(
    keeper: Keeper, walls: Walls
) -> None:
    key = ZygoteKey(walls, "tenant-a")
    await _run(keeper, LEAVES_TRACES, key)
    await until(lambda: keeper.spares == 1)
    zygote = await keeper.ready(key)
    assert zygote._spare is not None
    zygote.kill(zygote._spare.number)
    # Without the loop, so that the keeper does not hear of it before the job comes.
    assert select.select([zygote._spare.plug], [], [], 20)[0]

    assert isinstance(await _run(keeper, LEAVES_TRACES, key), int)


async def test_keeper_integration_lets_a_room_go_that_nobody_needs(tmp_path: Path) -> None:
    keeper = Keeper(_options(tmp_path, spare_seconds_max=2.0))
    await keeper.start()
    try:
        await _run(keeper, LEAVES_TRACES)
        await until(lambda: keeper.spares == 1)

        await until(lambda: keeper.spares == 0)

        zygote = await keeper.ready(SANDBOX)
        await until(lambda: not zygote._rooms)
        assert zygote.is_alive
        assert isinstance(await _run(keeper, LEAVES_TRACES), int)
    finally:
        await keeper.stop()


async def test_keeper_integration_takes_the_place_of_spare_rooms_when_all_are_in_use(
    tmp_path: Path,
) -> None:
    keeper = Keeper(_options(tmp_path, slots=1, zygotes_max=0))
    await keeper.start()
    try:
        for number in range(4):
            tenant = ZygoteKey(Walls.NAMESPACES, f"tenant-{number}")
            assert isinstance(await _run(keeper, LEAVES_TRACES, tenant), int)
            await until(lambda: keeper.spares >= 1)
    finally:
        await keeper.stop()
