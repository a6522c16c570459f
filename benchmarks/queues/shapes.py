"""Whole installations as users run them: jobs from a released backlog to the last stored end.

    python -m benchmarks.queues.shapes [--shapes socket,tls] [--kinds function,warm,sandbox,fork]
        [--jobs 10000] [--slots 5] [--rounds 3]

`socket` is `tidemill up` with its worker at the other end of a Unix socket; `tls` the same with
`tidemill worker --connect` and a worker token, while its own worker has other tags. SQLite, every
commit with an fsync, shipped configuration. Jobs are enqueued over HTTP while their tag is paused;
the clock runs from its release until no live job is left. Slower kinds get fewer jobs. CPU is user
and system time of all processes, per job.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.api import Api
from benchmarks.processes import cpu_seconds, machine, server

PORT: Final = 18421
TLS_PORT: Final = 18422
URL: Final = f"http://127.0.0.1:{PORT}"
PROGRAM: Final = "benchmarks.queues.noop"
OWNER: Final = {
    "TIDEMILL_OWNER_EMAIL": "bench@example.org",
    "TIDEMILL_OWNER_PASSWORD": "bench-Passw0rd!",
}
NOOP: Final = "def main():\n    return None\n"
BATCH: Final = 1000
SLOWER: Final = {"function": 1, "warm": 2, "sandbox": 10, "fork": 10}
"""By how much fewer jobs of a kind are run."""


def tidemill(*words: str) -> list[str]:
    return [sys.executable, "-m", "tidemill.cli.main", *words]


@contextmanager
def embedded(directory: Path, kind: str, slots: int) -> Iterator[tuple[Api, list[psutil.Process]]]:
    """Run `tidemill up`."""
    command = tidemill("up", "--data-dir", str(directory), "--app", PROGRAM)
    with _server(command, directory, kind, slots) as process:
        yield _logged_in(), [process]


@contextmanager
def remote(directory: Path, kind: str, slots: int) -> Iterator[tuple[Api, list[psutil.Process]]]:
    """Run `tidemill up`, and the worker of its jobs that reaches it over TLS."""
    directory.mkdir(exist_ok=True)
    certificate, key = directory / "jobs.crt", directory / "jobs.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    settings = {
        "dispatcher.tls_listen": f"127.0.0.1:{TLS_PORT}",
        "dispatcher.tls_certificate_file": str(certificate),
        "dispatcher.tls_key_file": str(key),
        "server.public_url": URL,
        "worker.tags": "elsewhere",
    }
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = tidemill("up", "--data-dir", str(directory), *words)
    with _server(command, directory, kind, slots) as process:
        api = _logged_in()
        token = directory / "token"
        made = api.call("POST", "/api/v1/worker-tokens", {"name": "bench"})
        token.write_text(made["token"])
        token.chmod(0o600)
        worker = subprocess.Popen(
            tidemill(
                "worker", "--app", PROGRAM, "--connect", f"tls://127.0.0.1:{TLS_PORT}",
                "--token-file", str(token), "--ca", str(certificate),
                "--data-dir", str(directory / "worker"),
                "--set", f"worker.max_concurrent_tasks={slots}",
                *(("--set", "jobs.isolation_default=fork") if kind == "fork" else ()),
            ),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield api, [process, psutil.Process(worker.pid)]
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(20)


SHAPES: Final = {"socket": embedded, "tls": remote}


def _server(command: list[str], directory: Path, kind: str, slots: int) -> Any:
    directory.mkdir(exist_ok=True)
    env = {
        **OWNER,
        "TIDEMILL_SERVER_PORT": str(PORT),
        "TIDEMILL_WORKER_MAX_CONCURRENT_TASKS": str(slots),
    }
    if kind == "fork":  # Which is open only where every script is trusted.
        env["TIDEMILL_JOBS_ISOLATION_DEFAULT"] = kind
    return server(
        command, env=env, health=f"{URL}/health", cores={0, 1}, log=directory.parent / "log"
    )


def _logged_in() -> Api:
    api = Api(URL)
    api.log_in(OWNER["TIDEMILL_OWNER_EMAIL"], OWNER["TIDEMILL_OWNER_PASSWORD"])
    script = {"path": "noop", "language": "python", "content": NOOP}
    api.call("POST", "/api/v1/scripts", script)
    return api


def job_of(kind: str) -> dict[str, Any]:
    """Return what one asks for to run a job of the kind."""
    if kind == "function":
        return {"function": f"{PROGRAM}:noop"}
    return {"script_path": "noop", "isolation": kind}


def until_done(api: Api, job: dict[str, Any]) -> None:
    """Run one job, so that everything that it needs is there; a worker may still be on its way."""
    deadline = time.monotonic() + 60
    while True:
        try:
            made = api.call("POST", "/api/v1/jobs", job)
            break
        except OSError:  # Nobody offers the function yet.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    answer = api.call("GET", f"/api/v1/jobs/{made['id']}/result?wait=60")
    if answer.get("state") != "succeeded":
        raise RuntimeError(answer)


def measure(shape: str, kind: str, count: int, slots: int) -> dict[str, float]:
    """Return the rate and the CPU of one backlog in a fresh installation."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        api, processes = stack.enter_context(SHAPES[shape](directory, kind, slots))
        job = job_of(kind)
        until_done(api, job)
        api.call("POST", "/api/v1/tags/default/pause", {})
        for first in range(0, count, BATCH):
            jobs = [job] * min(BATCH, count - first)
            api.call("POST", "/api/v1/jobs/batch", {"jobs": jobs})
        time.sleep(2)
        books = sqlite3.connect(f"file:{directory}/jobs.db?mode=ro", uri=True)
        before, started = _cpu(processes), time.perf_counter()
        api.call("POST", "/api/v1/tags/default/resume", {})
        while books.execute("SELECT EXISTS (SELECT 1 FROM jobs)").fetchone()[0]:
            time.sleep(0.01)
        seconds = time.perf_counter() - started
        used = _cpu(processes) - before
        ended = books.execute(
            "SELECT COUNT(*) FROM job_history WHERE state = 'succeeded'"
        ).fetchone()[0]
        books.close()
        if ended != count + 1:
            raise RuntimeError(f"{ended} of {count + 1} jobs succeeded")
    return {"jobs_per_s": count / seconds, "cpu_us_per_job": used / count * 1e6}


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(cpu_seconds(process) for process in processes)


def main() -> None:
    """Measure each kind in each shape, rounds by turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--kinds", default=",".join(SLOWER))
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds: dict[tuple[str, str], list[dict[str, float]]] = {
        (shape, kind): []
        for kind in options.kinds.split(",")
        for shape in options.shapes.split(",")
    }
    for _ in range(options.rounds):
        for (shape, kind), figures in rounds.items():
            count = options.jobs // SLOWER[kind]
            figures.append(measure(shape, kind, count, options.slots))
    for (shape, kind), figures in rounds.items():
        medians = {
            name: round(statistics.median(one[name] for one in figures)) for name in figures[0]
        }
        each = [round(one["jobs_per_s"]) for one in figures]
        line = {"shape": shape, "kind": kind, "slots": options.slots, **medians, "rounds": each}
        print(json.dumps(line), flush=True)
    print(json.dumps({"machine": machine(), "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
