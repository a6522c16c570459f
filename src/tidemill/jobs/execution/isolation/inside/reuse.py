"""Whether a process that has done a job may be given another, and what the job took."""

from __future__ import annotations

import os
import time

from . import memory


def is_alone(pid: int) -> bool:
    """Return whether `pid` has one thread, and is with us alone in its namespace."""
    others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in {1, pid}]
    return not others and len(os.listdir(f"/proc/{pid}/task")) == 1


class Usage:
    """What a process has used, job by job."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        # How the kernel numbers the clock of another process: time on CPU of all its threads.
        self._clock = (~pid << 3) | 2
        self._before = time.clock_gettime_ns(self._clock)

    def since_last(self) -> dict[str, int]:
        """Return the CPU time since the last call, and the memory that is held now."""
        now = time.clock_gettime_ns(self._clock)
        used, self._before = now - self._before, now
        return {"cpu": used // 1000, "peak": memory.resident(self._pid)}
