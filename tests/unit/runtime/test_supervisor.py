from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidemill.runtime.supervisor import EXIT_NOT_WANTED, restart_delay

CHILD = """
import os, sys, time
with open(sys.argv[1], "a") as out:
    out.write(f"{os.getpid()}\\n")
if len(sys.argv) > 2:
    sys.exit(int(sys.argv[2]))
time.sleep(60)
"""
PROGRAM = f"""
import sys
from tidemill.runtime.supervisor import Child, Supervisor
child = Child("sleeper", [sys.executable, "-c", {CHILD!r}, *sys.argv[1:]], stop_seconds_max=5)
sys.exit(Supervisor([child], say=lambda text: print(text, flush=True)).run())
"""

STUBBORN = f"""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{CHILD}"""
WITH_STUBBORN = f"""
import sys
from tidemill.runtime import supervisor
supervisor.silent_stop_seconds_max = 0.1
command = [sys.executable, "-c", {STUBBORN!r}, *sys.argv[1:]]
child = supervisor.Child("sleeper", command, stop_seconds_max=0.5)
sys.exit(supervisor.Supervisor([child], say=lambda text: print(text, flush=True)).run())
"""
# Its children do not end by themselves, and are given longer than the test has.
WITH_PATIENCE = f"""
import sys
from tidemill.runtime.supervisor import Child, Supervisor
command = [sys.executable, "-c", {STUBBORN!r}, *sys.argv[1:]]
children = [Child(name, command, stop_seconds_max=600) for name in ("api", "worker")]
sys.exit(Supervisor(children, say=lambda text: print(text, flush=True)).run())
"""
WITH_UNWANTED = f"""
import sys
from tidemill.runtime.supervisor import Child, Supervisor
child = Child("sleeper", [sys.executable, "-c", {CHILD!r}, *sys.argv[1:]], stop_seconds_max=5)
ends = [sys.executable, "-c", "import sys; sys.exit({EXIT_NOT_WANTED})"]
other = Child("other", ends, stop_seconds_max=5)
sys.exit(Supervisor([child, other], say=lambda text: print(text, flush=True)).run())
"""


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def _pids(path: Path, count: int) -> list[int]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = path.read_text().split() if path.exists() else []
        if len(lines) >= count:
            return [int(line) for line in lines]
        time.sleep(0.01)
    pytest.fail(f"{path} never had {count} lines")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_run_starts_a_killed_child_again_and_ends_it_on_sigterm(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    supervisor = _start(str(pids))
    first = _pids(pids, 1)[0]

    os.kill(first, signal.SIGKILL)
    second = _pids(pids, 2)[1]
    supervisor.send_signal(signal.SIGTERM)
    output, _ = supervisor.communicate(timeout=60)

    assert "sleeper ended with SIGKILL; starting it again." in output
    assert supervisor.returncode == 0
    assert not _alive(second)


def test_run_says_what_it_waits_for_while_a_child_takes_its_time_to_end(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    supervisor = subprocess.Popen(
        [sys.executable, "-c", WITH_STUBBORN, str(pids)], stdout=subprocess.PIPE, text=True
    )
    child = _pids(pids, 1)[0]

    supervisor.send_signal(signal.SIGTERM)
    output, _ = supervisor.communicate(timeout=60)

    assert "The sleeper finishes what it runs, for 0.4 s at most." in output
    assert not _alive(child)


def test_run_ends_its_children_at_once_when_it_is_interrupted_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    supervisor = subprocess.Popen(
        [sys.executable, "-c", WITH_PATIENCE, str(pids)], stdout=subprocess.PIPE, text=True
    )
    children = _pids(pids, 2)
    assert supervisor.stdout is not None

    supervisor.send_signal(signal.SIGINT)
    first = supervisor.stdout.readline()
    supervisor.send_signal(signal.SIGINT)
    supervisor.communicate(timeout=60)

    assert first == "Stopping; press Ctrl-C again to end at once.\n"
    assert supervisor.returncode == 130
    assert not any(_alive(child) for child in children)


def test_run_gives_up_at_once_when_a_child_refuses_its_configuration(tmp_path: Path) -> None:
    supervisor = _start(str(tmp_path / "pids"), "78")

    supervisor.communicate(timeout=60)

    assert supervisor.returncode == 78


def test_run_goes_on_without_a_child_that_is_not_wanted(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    supervisor = subprocess.Popen(
        [sys.executable, "-c", WITH_UNWANTED, str(pids)], stdout=subprocess.PIPE, text=True
    )
    first = _pids(pids, 1)[0]
    os.kill(first, signal.SIGKILL)

    _pids(pids, 2)
    supervisor.send_signal(signal.SIGTERM)
    output, _ = supervisor.communicate(timeout=60)

    assert supervisor.returncode == 0
    assert "other ended" not in output


def test_restart_delay_grows_and_has_a_limit() -> None:
    delays = [restart_delay(failures) for failures in range(1, 10)]

    assert delays[0] == 0.2
    assert delays == sorted(delays)
    assert delays[-1] == 10.0


# A child is started while this process is told to stop, and while another child dies.
DURING_A_START = f"""
import os, signal, subprocess, sys
from tidemill.runtime import supervisor
made = subprocess.Popen
def popen(*words, **options):
    process = made(*words, **options)
    DURING
    return process
supervisor.subprocess.Popen = popen
words = [sys.executable, "-c", {CHILD!r}, sys.argv[1]]
child = supervisor.Child("sleeper", words, stop_seconds_max=5)
sys.exit(supervisor.Supervisor([child], say=lambda text: print(text, flush=True)).run())
"""


@pytest.mark.parametrize(
    "during",
    [
        "os.kill(os.getpid(), signal.SIGTERM)",
        # Its end is seen though the signal of it was lost; the second start brings the stop.
        "process.kill(); os.kill(os.getpid(), signal.SIGTERM) if child.failures else None",
    ],
    ids=["stop", "death"],
)
def test_run_hears_what_happens_while_it_starts_a_child(tmp_path: Path, during: str) -> None:
    program = DURING_A_START.replace("DURING", during)

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "pids")], timeout=100, check=False
    )

    assert done.returncode == 0
