"""What isolation itself costs, below queue and dispatcher: one keeper, jobs one after the other.

For `sandbox`, `warm` and `fork`: the time from handing over a job to the start of its code, from a
spare room (the jobs have a pause before them) and in a hurry; to its end; CPU of all processes.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.processes import machine
from tidemill.jobs.execution.isolation.keeper import Keeper, KeeperOptions
from tidemill.jobs.execution.isolation.plan import JobLimits, Specification, Walls, ZygoteKey
from tidemill.jobs.execution.worker.output import Collected
from tidemill.jobs.execution.worker.pipes import Pipe

FIBONACCI: Final = """
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

def main(n):
    return fibonacci(n)
"""
LIMITS: Final = JobLimits(memory_bytes_max=1 << 29, disk_bytes_max=1 << 28, processes_max=64)
KINDS: Final = {
    "sandbox": (Walls.NAMESPACES, False),
    "warm": (Walls.NAMESPACES, True),
    "fork": (Walls.NONE, False),
}
IN_A_ROW: Final = 200
WITH_PAUSES: Final = 60
PAUSE_SECONDS: Final = 0.05


async def measure(kind: str, directory: Path) -> dict[str, float]:
    walls, warm = KINDS[kind]
    key = ZygoteKey(walls, "bench")
    specification = Specification(
        language="python", name="fibonacci", content=FIBONACCI, arguments='{"n": 10}',
        environment={}, result_bytes_max=1000, warm=warm,
    )  # fmt: skip
    before = _cpu_seconds()
    keeper = Keeper(KeeperOptions(worker_id=f"bench-{os.getpid()}", slots=1, directory=directory))
    await keeper.start()
    try:
        await _run(keeper, key, specification)
        rested = []
        for _ in range(WITH_PAUSES):
            await asyncio.sleep(PAUSE_SECONDS)
            rested.append(await _run(keeper, key, specification))
        started = time.perf_counter()
        for _ in range(IN_A_ROW):
            await _run(keeper, key, specification)
        seconds = time.perf_counter() - started
    finally:
        await keeper.stop()
    # What has ended counts here too: a keeper that has stopped has waited for all of it.
    used = _cpu_seconds() - before
    return {
        "to the start after a pause p50, ms": _median_ms(start for start, _ in rested),
        "to the end after a pause p50, ms": _median_ms(end for _, end in rested),
        "each of a row, ms": round(seconds / IN_A_ROW * 1000, 2),
        "CPU of all processes per job, ms": round(used / (1 + WITH_PAUSES + IN_A_ROW) * 1000, 2),
    }


async def _run(keeper: Keeper, key: ZygoteKey, specification: Specification) -> tuple[float, float]:
    began, began_at = time.perf_counter(), time.time_ns()
    job = await keeper.run(key, specification, LIMITS)
    started_at = await job.process.started
    ending = await job.end()
    seconds = time.perf_counter() - began
    result = Collected(1000)
    for part in ending.answer:
        result.add(part)
    if job.process.result is not None:
        await Pipe(job.process.result, result.add).read()
    job.process.close()
    job.release()
    if result.get() != b'{"result":55}':
        raise RuntimeError(result.get())
    return (started_at * 1000 - began_at) / 1e9, seconds


def _median_ms(seconds: Iterable[float]) -> float:
    return round(statistics.median(seconds) * 1000, 2)


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    conditions = machine()
    figures = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as directory:
            figures[kind] = asyncio.run(measure(kind, Path(directory) / "jobs"))
    print(json.dumps({"machine": conditions, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
