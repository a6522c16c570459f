from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from tidemill.core.crash import crash_point
for _ in range(3):
    crash_point("other")
    print("before", flush=True)
    crash_point("here")
print("end", flush=True)
"""


def _run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_crash_point_does_nothing_unless_armed() -> None:
    assert _run().stdout.split()[-1] == "end"


def test_crash_point_kills_at_the_passage_that_was_named() -> None:
    run = _run(TIDEMILL_CRASH_AT="here:2")

    assert run.returncode == -9
    assert run.stdout.split() == ["before", "before"]


def test_crash_point_stays_disarmed_after_its_mark_was_made(tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    first = _run(TIDEMILL_CRASH_AT="here", TIDEMILL_CRASH_MARK=mark)
    second = _run(TIDEMILL_CRASH_AT="here", TIDEMILL_CRASH_MARK=mark)

    assert (first.returncode, second.returncode) == (-9, 0)
