"""The memory of a job's processes, where no control group counts it."""

from __future__ import annotations

import os
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# Nothing fills memory faster than this on the machines that we know, so the next look can wait
# until the limit could be reached.
_FILL_BYTES_PER_SECOND: Final = 4 * 1024**3
_LOOK_SECONDS_MIN: Final = 0.02
_LOOK_SECONDS_MAX: Final = 0.25


class Watch:
    """Looks at the processes of a job, more often the nearer they come to their limit."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.seconds_to_next = _LOOK_SECONDS_MIN

    def is_over(self, pids: list[int]) -> bool:
        """Return whether the processes together hold more than the limit."""
        held = sum(resident(pid) for pid in pids)
        if held > self._bytes_max:
            # Pages that were shared at the fork were counted once per process.
            held = sum(_proportional(pid) for pid in pids)
        room = max(0, self._bytes_max - held) / _FILL_BYTES_PER_SECOND
        self.seconds_to_next = min(max(room, _LOOK_SECONDS_MIN), _LOOK_SECONDS_MAX)
        return held > self._bytes_max


def descendants(pid: int) -> list[int]:
    """Return the children of `pid`, their children, and so on."""
    found: list[int] = []
    parents = [pid]
    while parents:
        born = children(parents.pop())
        found += born
        parents += born
    return found


def children(pid: int) -> list[int]:
    """Return the children of `pid`; none when it is gone."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    except OSError:
        return found
    return found


def resident(pid: int) -> int:
    """Return the bytes of memory that `pid` holds, 0 when it is gone."""
    try:
        descriptor = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(descriptor, 128).split()[1]) * _PAGE
        finally:
            os.close(descriptor)
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return resident(pid)
