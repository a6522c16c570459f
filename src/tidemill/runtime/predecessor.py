"""The process that had the data directory before, when its supervisor was killed.

The kernel tells it to stop at once (`die_with_supervisor`), but until it has answered what is
under way it holds the port and the directory. Who starts Tidemill again should not have to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tidemill.infrastructure.database.owner_lock import DataDirectoryInUse, OwnerLock

__all__ = ["DataDirectoryInUse", "await_predecessor", "orphan_of", "refuse_directory_in_use"]

_look_again_seconds: Final = 0.05
_SUPERVISED_BY: Final = b"TIDEMILL_SUPERVISOR_PID="


def await_predecessor(data_dir: Path, tell: Callable[[str], None], *, seconds_max: float) -> None:
    """Return when no orphan holds `data_dir`, or after `seconds_max`.

    A holder whose supervisor lives does not count: the caller is refused by its lock.
    """
    holder = orphan_of(data_dir)
    if holder is None:
        return
    tell(f"Waiting for process {holder} to end, whose supervisor was killed.")
    deadline = time.monotonic() + seconds_max
    while orphan_of(data_dir) is not None and time.monotonic() < deadline:
        time.sleep(_look_again_seconds)


def refuse_directory_in_use(data_dir: Path) -> None:
    """Raise `DataDirectoryInUse` when a process that stays holds `data_dir`.

    For who starts several processes, so that none of them begins for nothing; the lock itself is
    for the process that opens the files.
    """
    if orphan_of(data_dir) is None and (data_dir / "owner.lock").exists():
        OwnerLock.acquire(data_dir).release()


def orphan_of(data_dir: Path, processes: Path = Path("/proc")) -> int | None:
    """Return the last owner of `data_dir` if it lives on without the supervisor it began with.

    Systems without `/proc` have none to tell of.
    """
    try:
        holder = int((data_dir / "owner.lock").read_text())
        environment = (processes / str(holder) / "environ").read_bytes().split(b"\0")
        # The name of the program, in parentheses, may hold anything; the parent is behind it.
        parent = (processes / str(holder) / "stat").read_bytes().rpartition(b")")[2].split()[1]
    except (OSError, ValueError, IndexError):
        return None
    began_with = [line.removeprefix(_SUPERVISED_BY) for line in environment if _is_mark(line)]
    return holder if began_with and began_with != [parent] else None


def _is_mark(line: bytes) -> bool:
    return line.startswith(_SUPERVISED_BY)
