"""`kill -9` of dispatcher and worker at their crash points: nothing that was accepted is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.run import run_directory, unique_name

JOBS = 4
seconds_max = 60
_BESIDE = pytest.mark.full(reason="three interpreters, 2 s of CPU; its neighbour is in each change")
_NOTED = "import os\ndef main(number: int) -> int:\n    return number * 2\n"


class Processes:
    """The two processes of one installation, killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.worker: subprocess.Popen[bytes] | None = None

    def start_worker(self, crash_at: str = "") -> None:
        """Start the worker, which waits for its dispatcher."""
        (self.directory / "s").mkdir(mode=0o700, exist_ok=True)
        command = ["-m", "tests.integration.jobs.worker_process", str(self.directory / "s")]
        self.worker = subprocess.Popen(
            [sys.executable, *command, str(self.directory / "r")],
            env=_environment(crash_at),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def dispatch(self, crash_at: str = "") -> tuple[int, list[list[str]]]:
        """Run the dispatcher to its end; return its exit code and what it said."""
        command = ["-m", "tests.integration.jobs.process", str(self.directory), str(JOBS), _NOTED]
        done = subprocess.run(
            [sys.executable, *command],
            env=_environment(crash_at),
            capture_output=True,
            text=True,
            timeout=seconds_max,
            check=False,
        )
        if done.returncode not in {0, -signal.SIGKILL}:
            pytest.fail(done.stderr)
        return done.returncode, [line.split() for line in done.stdout.splitlines()]

    def stop(self) -> None:
        """End the worker."""
        if self.worker is not None:
            self.worker.terminate()
            try:
                self.worker.wait(10)
            except subprocess.TimeoutExpired:
                self.worker.kill()
                self.worker.wait()


@pytest.fixture
def processes() -> Iterator[Processes]:
    directory = run_directory() / unique_name("c")
    directory.mkdir()
    made = Processes(directory)
    yield made
    made.stop()


@pytest.mark.parametrize(
    "point",
    [
        "enqueue_after_commit:2",
        "dispatch_after_claim",
        pytest.param("dispatch_after_assign", marks=_BESIDE),
        "dispatch_before_finish",
        pytest.param("dispatch_after_finish", marks=_BESIDE),
    ],
)
def test_a_killed_dispatcher_loses_no_job_that_it_accepted(
    processes: Processes, point: str
) -> None:
    processes.start_worker()
    code, before = processes.dispatch(crash_at=point)
    assert code == -signal.SIGKILL, f"{point} was never passed"

    code, after = processes.dispatch()

    assert code == 0
    accepted = {line[1] for line in before if line[0] == "accepted"}
    ended = {line[1]: line[2:] for line in after if line[0] == "ended"}
    assert accepted <= ended.keys()
    assert ended == {f"job-{n}": ["succeeded", str(n * 2)] for n in range(JOBS)}


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("worker_before_start", marks=_BESIDE),
        "worker_after_start",
        "worker_before_outcome",
        pytest.param("worker_after_outcome_sent", marks=_BESIDE),
    ],
)
def test_a_killed_worker_loses_no_job_that_it_held(processes: Processes, point: str) -> None:
    processes.start_worker(crash_at=f"{point}:2")
    crashing = processes.worker
    assert crashing is not None
    watcher = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.jobs.process", str(processes.directory),
         str(JOBS), _NOTED],
        env=_environment(""),
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert crashing.wait(seconds_max) == -signal.SIGKILL, f"{point} was never passed"
    processes.start_worker()
    said, _ = watcher.communicate(timeout=seconds_max)

    ended = [line.split()[1:] for line in said.splitlines() if line.startswith("ended")]
    assert ended == [[f"job-{n}", "succeeded", str(n * 2)] for n in range(JOBS)]


def _environment(crash_at: str) -> dict[str, str]:
    without = {key: value for key, value in os.environ.items() if key != "TIDEMILL_CRASH_AT"}
    return {**without, "TIDEMILL_CRASH_AT": crash_at} if crash_at else without
