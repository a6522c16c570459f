"""The pages for those who come from elsewhere: both halves of each pair do the same.

The old half runs in the full tier: Celery's on a Redis of its own, Airflow's in an environment of
its own. The new halves of Airflow and Windmill are run as all guides are, by `test_guides.py`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.fixtures.airflow import Airflow
from tests.fixtures.answers import Answer, answering
from tests.fixtures.library import ROOT
from tests.fixtures.ports import free_port
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.server import TIDEMILL
from tests.fixtures.waiting import wait_until

PAGES: Final = ROOT / "docs" / "guide" / "migrate"
REDIS: Final = "redis://localhost:6379/0"
seconds_max: Final = 60.0
_BLOCK: Final = re.compile(r"^```\w+ title=\"([^\"]+)\"\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Desk:
    """A folder with the files of one page, and processes in it that end with the test."""

    def __init__(self, page: str, folder: Path) -> None:
        self.folder = folder
        self.text = (PAGES / page).read_text(encoding="utf-8")
        self.files: Mapping[str, str] = dict(_BLOCK.findall(self.text))
        self.environment = {**os.environ, "TIDEMILL_DATABASE_URL": "sqlite:///jobs.db"}

    def lay(self, half: str, *, redis: str = REDIS) -> Path:
        """Write the files of one half, with Redis where it is; return their folder."""
        folder = self.folder / half
        folder.mkdir()
        for name, text in self.files.items():
            if name.startswith(f"{half}/"):
                (self.folder / name).write_text(text.replace(REDIS, redis))
        return folder

    @contextlib.contextmanager
    def beside(self, folder: Path, *command: str, until: str = "") -> Iterator[None]:
        """Run a command while the block lasts, which begins when it has printed `until`."""
        log = folder / f"{Path(command[0]).name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**self.environment, "PYTHONPATH": str(folder)},
                stdout=output,
                stderr=output,
            )
        try:
            wait_until(
                lambda: until in log.read_text() or process.poll() is not None,
                seconds_max=seconds_max,
                what=f"{until!r} of {command}",
            )
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(seconds_max)

    def printed(self, folder: Path) -> str:
        """Return what `main.py` prints."""
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=folder,
            env={**self.environment, "PYTHONPATH": str(folder)},
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds_max,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = run_directory() / unique_name("m").removeprefix("tidemill_test_")
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def test_celery_page_after_prints_what_it_says(folder: Path) -> None:
    desk = Desk("celery.md", folder)
    after = desk.lay("after")
    with desk.beside(after, TIDEMILL, "worker", "--app", "tasks", until="Worker "):
        assert desk.printed(after) == desk.files["printed"]


@pytest.mark.full(reason="it shows what Celery does, on a Redis of its own")
def test_celery_page_before_prints_the_same(folder: Path) -> None:
    desk = Desk("celery.md", folder)
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("needs redis-server: install the package to include this case")
    port = str(free_port())
    before = desk.lay("before", redis=f"redis://127.0.0.1:{port}/0")
    options = ("--port", port, "--save", "", "--bind", "127.0.0.1")
    words = ("-A", "tasks", "worker", "--concurrency", "1", "--loglevel", "INFO")
    celery = (sys.executable, "-m", "celery", *words)
    with (
        desk.beside(before, server, *options, until="Ready to accept connections"),
        desk.beside(before, *celery, until="ready."),
    ):
        assert desk.printed(before) == desk.files["printed"]


@pytest.mark.full(reason="it waits for due times; schedules of programs have their own tests")
def test_cron_page_after_runs_at_each_due_time(folder: Path) -> None:
    desk = Desk("cron.md", folder)
    after = desk.lay("after")
    with desk.beside(after, TIDEMILL, "worker", "--app", "gauge", until="Worker "):
        assert desk.printed(after) == desk.printed(after) == "gauge/read_gauge\n"
        _wait_for_two_lines(after)


@pytest.mark.full(reason="it shows what APScheduler does")
def test_cron_page_before_runs_at_each_due_time(folder: Path) -> None:
    desk = Desk("cron.md", folder)
    before = desk.lay("before")
    with desk.beside(before, sys.executable, "gauge.py"):
        _wait_for_two_lines(before)


@pytest.mark.full(reason="it installs Airflow, which then takes 17 s of CPU")
def test_airflow_page_before_gives_what_the_new_half_prints(folder: Path) -> None:
    desk = Desk("airflow.md", folder)
    (folder / "report_dag.py").write_text(desk.files["report_dag.py"])
    by_hand = re.search(r"--arg due=(\S+)\n```\n\n```text\n(.*)\n", desk.text)
    assert by_hand

    given = Airflow(folder / "home").test(folder, "report", by_hand[1])

    assert given["summarise"] == msgspec.json.decode(by_hand[2])


@pytest.mark.full(reason="it shows what Windmill's library does; the new half is in each change")
def test_windmill_page_before_gives_what_the_new_half_prints(folder: Path) -> None:
    desk = Desk("windmill.md", folder)
    (folder / "highest.py").write_text(desk.files["before_highest.py"])
    # How Windmill lets a script run outside of it; only progress asks a server.
    (folder / "mocked.json").write_text('{"variables": {"f/harbour/station": "west"}}')
    with answering() as windmill:
        windmill.prepare("GET", "/api/w/harbour/jobs_u/get/job", Answer(body={}))
        progress = "/api/w/harbour/job_metrics/set_progress/job"
        windmill.prepare("POST", progress, Answer(body={}))
        desk.environment |= {
            "BASE_INTERNAL_URL": windmill.url,
            "WM_JOB_ID": "job",
            "WM_MOCKED_API_FILE": str(folder / "mocked.json"),
            "WM_STATE_PATH": "f/harbour/highest_state",
            "WM_TOKEN": "token",
            "WM_WORKSPACE": "harbour",
        }
        run = "print(highest.main([3.1, 4.2]))"
        (folder / "main.py").write_text(f"import highest\n{run}\n{run}\n")

        printed = desk.printed(folder).splitlines()

    result = {"port": "Cuxhaven", "station": "west", "highest": 4.2}
    assert printed == [str({**result, "runs": runs}) for runs in (1, 2)]
    told = [asked.body for asked in windmill.asked if asked.path == progress]
    assert [body["percent"] for body in told] == [50, 50]


def _wait_for_two_lines(folder: Path) -> None:
    file = folder / "gauge.csv"
    wait_until(
        lambda: file.exists() and file.read_text().count("Cuxhaven,3.1\n") >= 2,
        seconds_max=seconds_max,
        what="two readings",
    )
