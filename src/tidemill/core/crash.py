"""Named crash points, where tests kill the process to prove that nothing is lost.

`crash_point("after_commit")` does nothing unless the environment names it in
`TIDEMILL_CRASH_AT` (`name` or `name:N` for the N-th passage), which only the crash tests do.
`TIDEMILL_CRASH_MARK` names a file that is made at the crash: while it exists the hook stays
disarmed, so that a process that is started again lives.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path


def _armed(spec: str, mark: str | None) -> Callable[[str], None]:
    name, _, nth = spec.partition(":")
    remaining = int(nth or "1")

    def kill_here(point: str) -> None:
        nonlocal remaining
        if point == name:
            remaining -= 1
            if remaining == 0:
                if mark:
                    Path(mark).touch()
                os.kill(os.getpid(), signal.SIGKILL)

    return kill_here


def _disarmed(point: str) -> None:
    del point


def _chosen() -> Callable[[str], None]:
    spec, mark = os.environ.get("TIDEMILL_CRASH_AT"), os.environ.get("TIDEMILL_CRASH_MARK")
    if not spec or (mark and Path(mark).exists()):
        return _disarmed
    return _armed(spec, mark)


crash_point: Callable[[str], None] = _chosen()
"""Kill this process here when the test hook is armed for this name; otherwise do nothing."""
