"""One embedded server whose every change goes to 500 subscribers, measured from outside.

The server has one core and everybody else the other. The same writes are made with nobody and with
500 listening: what the second costs more, divided by the deliveries, is the cost of a delivery.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import uvloop

from benchmarks.api import Api
from benchmarks.http import load
from benchmarks.processes import cpu_seconds, machine, server

PORT = 18313
URL = f"http://127.0.0.1:{PORT}"
OWNER = {"TIDEMILL_OWNER_EMAIL": "bench@example.org", "TIDEMILL_OWNER_PASSWORD": "bench-Passw0rd!"}
SUBSCRIBERS = 500
STEADY_PER_SECOND = 20
STEADY_SECONDS = 10.0
BUSY_SECONDS = 6.0
BUSY_CONNECTIONS = 32
ROWS = 500


class Listeners:
    """Subscribers in a process of their own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def report(self, through: int) -> dict[str, Any]:
        """Return what was delivered since the last time, once all have come to `through`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{through}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class World:
    """The server, a project with items, and who writes there."""

    def __init__(self, process: psutil.Process) -> None:
        self.process = process
        self.api = Api(URL)
        self.api.log_in(OWNER["TIDEMILL_OWNER_EMAIL"], OWNER["TIDEMILL_OWNER_PASSWORD"])
        self.project_id = self.api.call("POST", "/api/v1/projects", {"key": "TM", "name": "B"})[
            "id"
        ]
        self.item_ids = [self._item(number) for number in range(BUSY_CONNECTIONS)]
        self._turn = 0

    def _item(self, number: int) -> str:
        body = {"project_id": self.project_id, "item_type": "task", "title": f"Item {number}"}
        return str(self.api.call("POST", "/api/v1/work-items", body)["id"])

    def change(self) -> bytes:
        """Return the request that changes the next item."""
        self._turn += 1
        path = f"/api/v1/work-items/{self.item_ids[self._turn % len(self.item_ids)]}"
        body = json.dumps({"title": f"Title {self._turn}"}).encode()
        return load.request("PATCH", path, self.api.token, body)

    def head(self) -> int:
        """Return the number of the last fact."""
        request = urllib.request.Request(
            f"{URL}/api/v1/events", headers={"Authorization": f"Bearer {self.api.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as stream:
            for line in stream:
                if line.startswith(b"data: "):
                    return int(json.loads(line[6:])["through_seq"])
        raise RuntimeError("the stream says nothing")


def measure(directory: Path, protocol: str) -> dict[str, Any]:
    """Return the figures of one format."""
    command = [sys.executable, "-m", "tidemill.cli.main", "up", "--data-dir", str(directory / "d")]
    env = {
        **OWNER,
        "TIDEMILL_SERVER_PORT": str(PORT),
        "TIDEMILL_EVENTS_CONNECTIONS_PER_ACTOR_MAX": str(SUBSCRIBERS + 10),
    }
    log = directory / "log"
    with server(command, env=env, health=f"{URL}/health", cores={0}, log=log) as process:
        world = World(process)
        alone = {"steady": _steady(world, None), "busy": _busy(world, None)}
        with listening(world, protocol) as listeners:
            figures = {
                "steady": _steady(world, listeners),
                "busy": _busy(world, listeners),
                "import": _import(world, listeners),
            }
    for name in ("steady", "busy"):
        _add_costs(figures[name], alone[name]["CPU per write, µs"])
    return {"nobody listens": alone, f"{SUBSCRIBERS} listen": figures}


@contextmanager
def listening(world: World, protocol: str) -> Iterator[Listeners]:
    """Let subscribers follow the project for the block."""
    arguments = [str(PORT), world.api.token, f"project:{world.project_id}", protocol]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fanout.subscribers", *arguments, str(SUBSCRIBERS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    psutil.Process(process.pid).cpu_affinity([1])
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the subscribers could not subscribe")
        yield Listeners(process)
    finally:
        process.communicate(timeout=30)


class _Span:
    """Facts, seconds and CPU between two moments."""

    def __init__(self, world: World, listeners: Listeners | None) -> None:
        self._world = world
        self._listeners = listeners
        time.sleep(0.5)  # What was written before is told by then.
        self._head = world.head()
        if listeners is not None:
            listeners.report(self._head)
        self._cpu, self._started = cpu_seconds(world.process), time.perf_counter()

    def end(self, facts: int) -> dict[str, Any]:
        """Return the figures, once the last of so many `facts` is with everybody."""
        seconds = time.perf_counter() - self._started
        head = self._head + facts
        told = self._listeners.report(head) if self._listeners is not None else None
        all_seconds = time.perf_counter() - self._started
        cpu = cpu_seconds(self._world.process) - self._cpu
        figures: dict[str, Any] = {
            "facts": facts,
            "facts per second": round(facts / seconds, 1),
            "CPU, seconds": round(cpu, 3),
            "CPU per write, µs": round(cpu / facts * 1e6, 1),
        }
        if told is not None:
            if set(told["facts_each"]) != {facts} or told["through"] != [head]:
                raise RuntimeError(f"of {facts} facts up to {head} were told: {told}")
            figures |= {
                "deliveries": facts * SUBSCRIBERS,
                "deliveries per second": round(facts * SUBSCRIBERS / all_seconds),
                "facts per frame": round(facts * SUBSCRIBERS / max(1, told["frames"]), 2),
                "commit to socket, ms": told["latencies_ms"],
            }
        return figures


def _steady(world: World, listeners: Listeners | None) -> dict[str, Any]:
    span = _Span(world, listeners)
    started = time.perf_counter()
    for number in range(int(STEADY_PER_SECOND * STEADY_SECONDS)):
        ahead = number / STEADY_PER_SECOND - (time.perf_counter() - started)
        time.sleep(max(0.0, ahead))
        item = world.item_ids[number % len(world.item_ids)]
        world.api.call("PATCH", f"/api/v1/work-items/{item}", {"title": f"Steady {number} {ahead}"})
    return span.end(int(STEADY_PER_SECOND * STEADY_SECONDS))


def _busy(world: World, listeners: Listeners | None) -> dict[str, Any]:
    span = _Span(world, listeners)
    outcome = uvloop.run(
        load.run(
            ("127.0.0.1", PORT), world.change, connections=BUSY_CONNECTIONS, seconds=BUSY_SECONDS
        )
    )
    figures = span.end(outcome.requests)
    return figures | {
        "PATCH p50, ms": round(outcome.quantile_ms(0.5), 1),
        "PATCH p99, ms": round(outcome.quantile_ms(0.99), 1),
        "failures": outcome.failures,
    }


def _import(world: World, listeners: Listeners | None) -> dict[str, Any]:
    rows = "".join(f"task,Row {number}\n" for number in range(ROWS)).encode()
    request = urllib.request.Request(
        f"{URL}/api/v1/projects/{world.project_id}/imports",
        data=b"type,title\n" + rows,
        headers={"authorization": f"Bearer {world.api.token}", "content-type": "text/csv"},
        method="POST",
    )
    span = _Span(world, listeners)
    with urllib.request.urlopen(request, timeout=60):
        pass
    return span.end(ROWS)


def _add_costs(figures: dict[str, Any], write_us: float) -> None:
    facts, deliveries = figures["facts"], figures["deliveries"]
    cost = (figures["CPU, seconds"] * 1e6 - facts * write_us) / deliveries
    figures["CPU per delivery, µs"] = round(cost, 2)
    figures["deliveries per second of CPU"] = round(1e6 / cost)


def main() -> None:
    figures = {}
    for protocol in ("tidemill.pb", "tidemill.json"):
        with tempfile.TemporaryDirectory() as folder:
            figures[protocol] = measure(Path(folder), protocol)
    print(json.dumps({"machine": machine(), "figures": figures}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
