"""Measures one contestant; runs in its environment and prints one JSON object.

    python -m benchmarks.queues.contest PEER --jobs 10000

Enqueued one by one by one caller; enqueued by the call for many, or by 100 callers; then a worker
starts, and the time goes from its first job to the last end that the store shows. CPU is that of
this process, the worker and the processes of the database or broker that serve them, for each job.
Those that are enqueued one by one are so many that each database's log has come round to its begin,
as it does for whoever enqueues for longer than a moment: a log that still grows costs each commit.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import psutil

seconds_max = 120.0


class Contest:
    """One peer, and the loop that its coroutines run on."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.peer = importlib.import_module(f"benchmarks.queues.peers.{name}")
        self.mark = Path(os.environ["MARK_FILE"])

    def call(self, name: str, *args: int) -> Any:
        """Call a function of the peer."""
        result = getattr(self.peer, name)(*args)
        return self.wait(result) if inspect.isawaitable(result) else result

    def wait(self, work: Awaitable[Any]) -> Any:
        """Run a coroutine."""
        return self.loop.run_until_complete(work)

    def ran(self) -> int:
        """Return how many marks were left."""
        return self.mark.stat().st_size if self.mark.exists() else 0

    def measure(self, jobs: int, ones: int) -> dict[str, Any]:
        """Return the figures of one round."""
        self.call("setup")
        self.call("one", 20)
        started = time.perf_counter()
        self.call("one", ones)
        figures: dict[str, Any] = {"one_per_s": ones / (time.perf_counter() - started)}
        started = time.perf_counter()
        self.call("bulk", jobs)
        figures["bulk_per_s"] = jobs / (time.perf_counter() - started)
        total = jobs + ones + 20
        worker = subprocess.Popen(
            self.peer.WORKER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            figures |= self._drain(total, worker)
        finally:
            _stop(worker)
        return {"peer": self.peer.__doc__, "guarantee": self.peer.GUARANTEE, **figures}

    def _drain(self, total: int, worker: subprocess.Popen[bytes]) -> dict[str, float]:
        deadline = time.perf_counter() + seconds_max
        while self.ran() == 0:
            self.wait(asyncio.sleep(0.002))
            if worker.poll() is not None or time.perf_counter() > deadline:
                raise SystemExit("The worker did not start.")
        server = self.peer.SERVER
        started, before, had = time.perf_counter(), _cpu(server), self.ran()
        while (done := self.ran()) < total and time.perf_counter() < deadline:
            self.wait(asyncio.sleep(0.005))
        # Only then, since to count what is stored costs the database more than some peers' jobs do.
        if hasattr(self.peer, "stored"):
            while (done := self.call("stored")) < total and time.perf_counter() < deadline:
                self.wait(asyncio.sleep(0.005))
        seconds, spent = time.perf_counter() - started, _cpu(server) - before
        return {
            "jobs": done,
            "jobs_per_s": (done - had) / seconds,
            "cpu_us_per_job": spent / max(1, done - had) * 1e6,
            "worker_pss_mib": _memory(worker.pid),
        }


def _cpu(server: str) -> float:
    # Others may use the same PostgreSQL: a connection's process has the database in its title.
    database = os.environ["PG_DSN"].rpartition("/")[2] if server == "postgres" else ""
    own = {psutil.Process().pid, *(one.pid for one in psutil.Process().children(recursive=True))}
    spent = 0.0
    for process in psutil.process_iter(["pid", "name", "cmdline", "cpu_times"]):
        title = " ".join(process.info["cmdline"] or ())
        serves = process.info["name"] == server and database in title
        if process.info["pid"] in own or serves:
            times = process.info["cpu_times"]
            spent += times.user + times.system if times else 0.0
    return spent


def _memory(pid: int) -> float:
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(one.memory_full_info().pss for one in family) / 2**20


def _stop(worker: subprocess.Popen[bytes]) -> None:
    family = psutil.Process(worker.pid).children(recursive=True) if worker.poll() is None else []
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(5)
    except subprocess.TimeoutExpired:
        worker.kill()
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def main() -> None:
    """Measure the contestant that the command names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--ones", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as marks:
        os.environ["MARK_FILE"] = str(Path(marks) / "marks")
        figures = Contest(options.peer).measure(options.jobs, options.ones)
    print(json.dumps(figures), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
