"""Starting servers for a measurement, and reading what they cost."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def server(
    command: Sequence[str], *, env: dict[str, str], health: str, cores: set[int], log: Path
) -> Iterator[psutil.Process]:
    """Run `command` on `cores` until the block ends; yields when `health` answers."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=out, stderr=out, start_new_session=True
        )
    handle = psutil.Process(process.pid)
    handle.cpu_affinity(sorted(cores))
    try:
        wait_until_healthy(health, process)
        for child in handle.children(recursive=True):
            child.cpu_affinity(sorted(cores))
        yield handle
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> float:
    """Return the seconds until `url` answered 200."""
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return time.perf_counter() - started
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise TimeoutError(url)


def cpu_seconds(process: psutil.Process) -> float:
    """Return user and system time of a process and all below it, ended ones included."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def proportional_bytes(process: psutil.Process) -> int:
    """Return the memory of a process tree, shared pages divided among their users (PSS)."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def machine() -> dict[str, object]:
    """Return what a reader needs to judge the figures."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "load_before": os.getloadavg(),
    }
