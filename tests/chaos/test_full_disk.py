"""A disk that is full in the middle of a run: writes are refused in words, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.books import SqliteBooks
from tests.chaos.effects import Effects, Work, settle, wait_for_runs
from tests.chaos.place import SETTINGS, lease_seconds
from tests.fixtures.client import Client, log_in
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.server import OWNER, Server
from tests.fixtures.waiting import wait_until

pytestmark = [
    pytest.mark.chaos(reason="it fills a disk and waits until it was noticed"),
    pytest.mark.needs("root"),
    pytest.mark.timeout(300),
]

JOBS: Final = 20
disk_mebibytes: Final = 24


@pytest.fixture
def disk() -> Iterator[Path]:
    directory = run_directory() / unique_name("disk").removeprefix("tidemill_test_")
    directory.mkdir()
    size = f"size={disk_mebibytes}m,mode=755"
    command = ["mount", "-t", "tmpfs", "-o", size, "tidemill-test", str(directory)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"needs to mount a tmpfs: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
        directory.rmdir()


def test_full_disk_loses_no_job_and_is_said_in_words(disk: Path) -> None:
    home = run_directory() / unique_name("e").removeprefix("tidemill_test_")
    home.mkdir()
    effects = Effects(home)
    server = Server(
        settings=SETTINGS,
        environment={**OWNER, **effects.environment},
        data_dir=disk / "data",
    )
    with server, log_in(server.url) as client:
        wait_until(lambda: client.get("/functions")["items"], seconds_max=60, what="the worker")
        tenant = client.get("/tenants")["items"][0]["id"]
        work = Work(client, effects).functions(JOBS, name="leave_effect_on_the_loop", seconds=3.0)
        wait_for_runs(effects, JOBS)
        with _filled(disk):
            refusals = _refusals(client)
            # The jobs end while nothing can be written down.
            wait_for_runs(effects, JOBS, done=True)
            assert server.is_running
            assert client.get("/jobs", limit=1)["items"], "what is there can still be read"
        work.functions(JOBS, name="leave_effect_on_the_loop")
        work.wait()
        assert "disk is full" in refusals, refusals
        settle(
            "a full disk",
            work,
            effects,
            SqliteBooks(server.data_dir, tenant),
            lease_seconds=lease_seconds,
        )
        assert server.stop() == 0


@contextlib.contextmanager
def _filled(disk: Path) -> Iterator[None]:
    ballast = disk / "ballast"
    try:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(os.urandom(1) * size)
        yield
    finally:
        ballast.unlink()


def _refusals(client: Client) -> str:
    """Write until the pages that the database had in reserve are used up; return the answer."""
    body = {"language": "python", "content": "def main():\n    pass\n" + "#" * 100_000}
    for _ in range(100):
        answer = client.once("POST", "/jobs", json={**body, "run_at": "2100-01-01T00:00:00Z"})
        if answer.status_code >= 400:
            assert answer.status_code == 503, answer.text
            return answer.text
    return ""
