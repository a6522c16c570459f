"""One embedded installation, measured from outside as its users meet it.

Start to first /health; memory and CPU when idle; memory at 10,000 work items; enqueue → start of
no-op jobs under `fork` and `sandbox`, with the zygote ready and cold; jobs per second end to
end; GET latency while one job backlog is drained and while a job prints 50 MB/s.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import uvloop

from benchmarks.api import Api
from benchmarks.http import load
from benchmarks.processes import cpu_seconds, machine, proportional_bytes, server

PORT = 18311
URL = f"http://127.0.0.1:{PORT}"
OWNER = {"TIDEMILL_OWNER_EMAIL": "bench@example.org", "TIDEMILL_OWNER_PASSWORD": "bench-Passw0rd!"}
NOOP = "def main():\n    return None\n"
LOUD = """
import time
def main(seconds: float):
    line = "x" * 1023 + "\\n"
    end = time.monotonic() + seconds
    started = time.monotonic()
    written = 0
    while time.monotonic() < end:
        print(line * 512, end="")
        written += 512 * 1024
        ahead = written / 50e6 - (time.monotonic() - started)
        if ahead > 0:
            time.sleep(ahead)
"""
ITEMS = 10_000
BACKLOG = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
SAMPLES = 100


@dataclass
class World:
    api: Api
    process: psutil.Process
    project_id: str
    item_id: str


def measure(directory: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"start": _starts(directory)}
    with _tidemill(directory / "data", directory / "log", "sandbox") as process:
        world = _world(process)
        figures["idle"] = _idle(process)
        figures["items"] = _items(world)
        figures["sandbox"] = _jobs(world, "sandbox")
        figures["reads while jobs run"] = _reads(world)
    with _tidemill(directory / "fork", directory / "log", "fork") as process:
        figures["fork"] = _jobs(_world(process), "fork")
    return figures


def _tidemill(data: Path, log: Path, isolation: str) -> Any:
    return server(
        [sys.executable, "-m", "tidemill.cli.main", "up", "--data-dir", str(data)],
        env={
            **OWNER,
            "TIDEMILL_SERVER_PORT": str(PORT),
            "TIDEMILL_JOBS_ISOLATION_DEFAULT": isolation,
        },
        health=f"{URL}/health",
        cores={0, 1},
        log=log,
    )


def _starts(directory: Path) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for name in ("first start", "second start"):
        started = time.perf_counter()
        with _tidemill(directory / "starts", directory / "log", "sandbox"):
            seconds[f"{name} to /health, s"] = round(time.perf_counter() - started, 2)
    return seconds


def _world(process: psutil.Process) -> World:
    api = Api(URL)
    api.log_in(OWNER["TIDEMILL_OWNER_EMAIL"], OWNER["TIDEMILL_OWNER_PASSWORD"])
    project = api.call("POST", "/api/v1/projects", {"key": "TM", "name": "Bench"})
    item = api.call("POST", "/api/v1/work-items", _item(project["id"]))
    for path, content in (("noop", NOOP), ("loud", LOUD)):
        body = {"path": path, "language": "python", "content": content}
        api.call("POST", "/api/v1/scripts", body)
    return World(api, process, project["id"], item["id"])


def _item(project_id: str) -> dict[str, str]:
    return {"project_id": project_id, "item_type": "task", "title": "Measure the whole"}


def _idle(process: psutil.Process) -> dict[str, float]:
    time.sleep(5)
    before, seconds = cpu_seconds(process), 20.0
    time.sleep(seconds)
    used = cpu_seconds(process) - before
    return {
        "memory of all processes, MiB PSS": _mib(process),
        "CPU, % of a core": round(used / seconds * 100, 2),
    }


def _items(world: World) -> dict[str, float]:
    body = json.dumps(_item(world.project_id)).encode()
    post = load.request("POST", "/api/v1/work-items", world.api.token, body)
    made = 0
    while made < ITEMS:
        made += _run(lambda: post, seconds=2.0).requests
    time.sleep(2)
    return {"work items": made, "memory of all processes, MiB PSS": _mib(world.process)}


def _jobs(world: World, isolation: str) -> dict[str, Any]:
    cold = _start_ms(world)
    samples = sorted(_start_ms(world) for _ in range(SAMPLES))
    count = 500
    started = time.perf_counter()
    ids = [_enqueue(world)["id"] for _ in range(count)]
    for job_id in ids:
        _finished(world, job_id)
    seconds = time.perf_counter() - started
    return {
        "isolation": isolation,
        "cold start, ms": cold,
        "enqueue to start p50, ms": statistics.median(samples),
        "enqueue to start p99, ms": samples[int(0.99 * SAMPLES)],
        "no-op jobs per second, end to end": round(count / seconds, 1),
    }


def _enqueue(world: World, path: str = "noop", args: dict[str, Any] | None = None) -> Any:
    return world.api.call("POST", "/api/v1/jobs", {"script_path": path, "args": args or {}})


def _finished(world: World, job_id: str) -> Any:
    while True:
        answer = world.api.call("GET", f"/api/v1/jobs/{job_id}/result?wait=30")
        if answer["finished"]:
            return answer


def _start_ms(world: World) -> float:
    job = _enqueue(world)
    ended = _finished(world, job["id"])
    if ended["state"] != "succeeded":
        raise RuntimeError(ended)
    return round((_at(ended["started_at"]) - _at(job["created_at"])) * 1000, 2)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _reads(world: World) -> dict[str, Any]:
    get = load.request("GET", f"/api/v1/work-items/{world.item_id}", world.api.token)
    quiet = _run(lambda: get, seconds=3.0, connections=4)
    body = json.dumps({"script_path": "noop", "args": {}}).encode()
    post = load.request("POST", "/api/v1/jobs", world.api.token, body)
    queued, enqueued_in = 0, 0.0
    while queued < BACKLOG:
        outcome = _run(lambda: post, seconds=5.0)
        queued += outcome.requests
        enqueued_in += outcome.seconds
    draining = _run(lambda: get, seconds=8.0, connections=4)
    loud = _enqueue(world, "loud", {"seconds": 15.0})
    world.api.call("GET", f"/api/v1/jobs/{loud['id']}")
    time.sleep(2)
    both = _run(lambda: get, seconds=8.0, connections=4)
    return {
        "jobs enqueued": queued,
        "POST /api/v1/jobs per second": round(queued / enqueued_in),
        "GET quiet": _latencies(quiet),
        "GET while the backlog is drained": _latencies(draining),
        "GET while a job prints 50 MB/s too": _latencies(both),
    }


def _latencies(outcome: load.Outcome) -> dict[str, float]:
    return {
        "requests per second": round(outcome.per_second),
        "p50, ms": round(outcome.quantile_ms(0.5), 2),
        "p99, ms": round(outcome.quantile_ms(0.99), 2),
        "failures": outcome.failures,
    }


def _run(make: Callable[[], bytes], *, seconds: float, connections: int = 32) -> load.Outcome:
    return uvloop.run(load.run(("127.0.0.1", PORT), make, connections=connections, seconds=seconds))


def _mib(process: psutil.Process) -> float:
    return round(proportional_bytes(process) / 2**20, 1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder))
    print(json.dumps({"machine": machine(), "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
