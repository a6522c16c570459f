"""GET and durable POST of a work item, and POST of a job, at 32 connections, beside the peer.

Each server is pinned to one core and the client to the other; rounds alternate, so that drift
of the machine's speed hits both alike. The figure to compare is CPU per request. The job is of a
deployed script with arguments, and held by `run_at`, so that what is measured is its way into the
queue and not its run.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import psutil
import uvloop

from benchmarks.api import Api
from benchmarks.http import load, peer_names
from benchmarks.processes import cpu_seconds, machine, server

CONNECTIONS = 32
ROUNDS = 3
SECONDS = 4.0
PAUSE_SECONDS = 1.5
"""What the case before has left to do, such as audit lines on their way, is not this one's."""
SERVER_CORE, CLIENT_CORE = {0}, {1}
OWNER = {"TIDEMILL_OWNER_EMAIL": "bench@example.org", "TIDEMILL_OWNER_PASSWORD": "bench-Passw0rd!"}
OUR_PORT, PEER_PORT = 18301, 18302
JOB = {
    "script_path": peer_names.SCRIPT,
    "args": {"name": "Ada Lovelace", "count": 3},
    "run_at": "2099-01-01T00:00:00Z",
}


@dataclass
class Contestant:
    name: str
    port: int
    process: psutil.Process
    token: str
    project_id: str
    item_id: str


@contextmanager
def contestants(directory: Path) -> Iterator[tuple[Contestant, Contestant]]:
    """Start both, each with the other's core free for the client."""
    psutil.Process().cpu_affinity(sorted(CLIENT_CORE))
    ours = server(
        [sys.executable, "-m", "tidemill.cli.main", "up", "--data-dir", str(directory / "data")],
        env={**OWNER, "TIDEMILL_SERVER_PORT": str(OUR_PORT)},
        health=f"http://127.0.0.1:{OUR_PORT}/ready",
        cores=SERVER_CORE,
        log=directory / "ours.log",
    )
    theirs = server(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "benchmarks.http.peer:app",
            "--port",
            str(PEER_PORT),
            "--loop",
            "uvloop",
            "--http",
            "httptools",
            "--no-access-log",
        ],
        env={"PEER_DB": str(directory / "peer.db")},
        health=f"http://127.0.0.1:{PEER_PORT}/health",
        cores=SERVER_CORE,
        log=directory / "peer.log",
    )
    with ours as our_process, theirs as peer_process:
        yield our_side(our_process), peer_side(peer_process)


def contest(directory: Path) -> dict[str, Any]:
    """Run both contestants side by side and return the figures."""
    rounds: dict[str, list[dict[str, float]]] = {}
    with contestants(directory) as both:
        for _ in range(ROUNDS):
            for contestant in both:
                for case, make in _cases(contestant).items():
                    result = measure(contestant, make)
                    rounds.setdefault(f"{contestant.name} {case}", []).append(result)
    return {name: median(results) for name, results in rounds.items()}


def our_side(process: psutil.Process) -> Contestant:
    api = Api(f"http://127.0.0.1:{OUR_PORT}")
    api.log_in(OWNER["TIDEMILL_OWNER_EMAIL"], OWNER["TIDEMILL_OWNER_PASSWORD"])
    tenants = api.call("GET", "/api/v1/tenants")["items"]
    tenant = (
        tenants[0]
        if tenants
        else api.call("POST", "/api/v1/tenants", {"name": "Bench", "slug": "bench"})
    )
    api.log_in(OWNER["TIDEMILL_OWNER_EMAIL"], OWNER["TIDEMILL_OWNER_PASSWORD"], tenant["id"])
    project = api.call("POST", "/api/v1/projects", {"key": "TM", "name": "Bench"})
    item = api.call("POST", "/api/v1/work-items", json.loads(body(project["id"])))
    script = {
        "path": peer_names.SCRIPT,
        "language": "python",
        "content": "def main(name: str, count: int = 1):\n    return name * count\n",
    }
    api.call("POST", "/api/v1/scripts", script)
    return Contestant("tidemill", OUR_PORT, process, api.token, project["id"], item["id"])


def peer_side(process: psutil.Process) -> Contestant:
    claims = {
        "sub": peer_names.USER,
        "aud": "tidemill",
        "tenant_id": peer_names.TENANT,
        "iat": int(time.time()),
        "exp": int(time.time()) + 3600,
    }
    token = jwt.encode(claims, peer_names.SECRET, "HS256")
    api = Api(f"http://127.0.0.1:{PEER_PORT}", token)
    item = api.call("POST", "/api/v1/work-items", json.loads(body(peer_names.PROJECT)))
    return Contestant("peer", PEER_PORT, process, token, peer_names.PROJECT, item["id"])


def body(project_id: str) -> bytes:
    return json.dumps(
        {
            "project_id": project_id,
            "item_type": "task",
            "title": "Measure what a request costs",
            "description": "A description of medium length, as people write it.",
        }
    ).encode()


def _cases(one: Contestant) -> dict[str, Callable[[], bytes]]:
    get = load.request("GET", f"/api/v1/work-items/{one.item_id}", one.token)
    post = load.request("POST", "/api/v1/work-items", one.token, body(one.project_id))
    job = load.request("POST", "/api/v1/jobs", one.token, json.dumps(JOB).encode())
    return {"GET": lambda: get, "POST": lambda: post, "POST job": lambda: job}


def measure(
    one: Contestant, make: Callable[[], bytes], connections: int = CONNECTIONS
) -> dict[str, float]:
    """Return rate, CPU and latencies of one request, made again and again."""
    time.sleep(PAUSE_SECONDS)
    address = ("127.0.0.1", one.port)
    uvloop.run(load.run(address, make, connections=connections, seconds=0.5))
    before = cpu_seconds(one.process)
    outcome = uvloop.run(load.run(address, make, connections=connections, seconds=SECONDS))
    cpu = cpu_seconds(one.process) - before
    return {
        "requests_per_second": round(outcome.per_second),
        "cpu_us_per_request": round(cpu / outcome.requests * 1e6, 1),
        "p50_ms": round(outcome.quantile_ms(0.5), 2),
        "p99_ms": round(outcome.quantile_ms(0.99), 2),
        "failures": outcome.failures,
    }


def median(results: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(result[key] for result in results) for key in results[0]}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = contest(Path(folder))
    ratios = {
        f"{case} {measure}": round(
            figures[f"tidemill {case}"][field] / figures[f"peer {case}"][field], 2
        )
        for case in ("GET", "POST", "POST job")
        for measure, field in (
            ("rate", "requests_per_second"),
            ("cpu", "cpu_us_per_request"),
        )
    }
    print(json.dumps({"machine": machine(), "figures": figures, "ours/peer": ratios}, indent=2))


if __name__ == "__main__":
    main()
