"""Control groups: one per cell, for the memory and the processes of a job's whole tree."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

_ROOT: Final = Path("/sys/fs/cgroup")
_PARENT: Final = "tidemill"
# Pages of a tmpfs that is being unmounted may still count for a moment.
_SPARE_PROCESSES: Final = 2
_FILE_BYTES_MAX: Final = 4096


class CellGroup(Protocol):
    """The control group of one cell."""

    def limit(self, *, memory_bytes: int, processes: int) -> None:
        """Set the limits of the next job."""
        ...

    def alarm(self) -> int | None:
        """Return a descriptor that becomes readable when the kernel has killed a process here.

        None where the kernel ends the whole group by itself.
        """
        ...

    def entrances(self) -> list[int]:
        """Return open files that take in the process that writes 0 to them; caller closes."""
        ...

    def out_of_memory_kills(self) -> int:
        """Return how often the kernel has killed for want of memory here."""
        ...

    def peak_memory_bytes(self) -> int:
        """Return the most memory that the last job held."""
        ...

    def remove(self) -> None:
        """Remove the group; it must be empty."""
        ...


class _GroupV1:
    """A group in the two hierarchies of version 1."""

    def __init__(self, name: str) -> None:
        self._memory = _ROOT / "memory" / _PARENT / name
        self._pids = _ROOT / "pids" / _PARENT / name
        for directory in (self._memory, self._pids):
            directory.mkdir(parents=True, exist_ok=True)
        self._limits = (0, 0)
        # Every job asks these; to open them each time takes longer than to read them.
        self._peak = os.open(self._memory / "memory.max_usage_in_bytes", os.O_RDWR | os.O_CLOEXEC)
        self._alarm = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._kills = os.open(self._memory / "memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
        (self._memory / "cgroup.event_control").write_text(f"{self._alarm} {self._kills}")

    def alarm(self) -> int | None:
        return self._alarm

    def limit(self, *, memory_bytes: int, processes: int) -> None:
        with suppress(OSError):
            os.pwrite(self._peak, b"0", 0)
        if self._limits == (memory_bytes, processes):
            return
        self._limits = (memory_bytes, processes)
        # A limit that includes swap must never be below the one that does not.
        swap = self._memory / "memory.memsw.limit_in_bytes"
        with suppress(OSError):
            swap.write_text("-1")
        (self._memory / "memory.limit_in_bytes").write_text(str(memory_bytes))
        with suppress(OSError):
            swap.write_text(str(memory_bytes))
        (self._pids / "pids.max").write_text(str(processes + _SPARE_PROCESSES))

    def entrances(self) -> list[int]:
        return [
            os.open(directory / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
            for directory in (self._memory, self._pids)
        ]

    def out_of_memory_kills(self) -> int:
        return _field(os.pread(self._kills, _FILE_BYTES_MAX, 0), b"oom_kill")

    def peak_memory_bytes(self) -> int:
        return int(os.pread(self._peak, _FILE_BYTES_MAX, 0))

    def remove(self) -> None:
        for descriptor in (self._alarm, self._peak, self._kills):
            os.close(descriptor)
        for directory in (self._memory, self._pids):
            with suppress(OSError):
                directory.rmdir()


class _GroupV2:
    """A group below the worker's own, which systemd or a container runtime has delegated."""

    def __init__(self, parent: Path, name: str) -> None:
        self._directory = parent / name
        self._directory.mkdir(exist_ok=True)
        (self._directory / "memory.oom.group").write_text("1")

    def alarm(self) -> int | None:
        return None

    def limit(self, *, memory_bytes: int, processes: int) -> None:
        (self._directory / "memory.max").write_text(str(memory_bytes))
        with suppress(OSError):
            (self._directory / "memory.swap.max").write_text("0")
        (self._directory / "pids.max").write_text(str(processes + _SPARE_PROCESSES))

    def entrances(self) -> list[int]:
        return [os.open(self._directory / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)]

    def out_of_memory_kills(self) -> int:
        return _field((self._directory / "memory.events").read_bytes(), b"oom_kill")

    def peak_memory_bytes(self) -> int:
        try:
            return int((self._directory / "memory.peak").read_text())
        except OSError:
            return 0

    def remove(self) -> None:
        with suppress(OSError):
            self._directory.rmdir()


def cell_groups(worker_id: str, cells: int) -> list[CellGroup] | None:
    """Return a group for each cell, or None where this process may not make any."""
    safe_id = re.sub(r"[^A-Za-z0-9_-]", "_", worker_id)[:80]
    names = [f"{safe_id}.{os.getpid()}-{cell}" for cell in range(cells)]
    try:
        parent = _delegated_parent()
        below = [_ROOT / "memory" / _PARENT, _ROOT / "pids" / _PARENT]
        for directory in below if parent is None else [parent]:
            _remove_abandoned(directory)
        if parent is not None:
            return [_GroupV2(parent, name) for name in names]
        return _version_1(names)
    except OSError:
        return None


def _remove_abandoned(parent: Path) -> None:
    """Remove the groups of workers that were killed."""
    for directory in parent.glob("*.*-*"):
        pid = directory.name.rpartition(".")[2].partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with suppress(OSError):
                directory.rmdir()


def _version_1(names: list[str]) -> list[CellGroup] | None:
    if not all((_ROOT / kind / "cgroup.procs").exists() for kind in ("memory", "pids")):
        return None
    groups: list[CellGroup] = []
    for name in names:
        group = _GroupV1(name)
        group.limit(memory_bytes=1 << 30, processes=64)
        groups.append(group)
    return groups


def _delegated_parent() -> Path | None:
    """Return a group of version 2 in which groups with limits may be made."""
    own = next(
        (
            line[4:]
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line[:3] == "0::"
        ),
        None,
    )
    if own is None or not (_ROOT / "cgroup.controllers").exists():
        return None
    directory = _ROOT / own
    if not {"memory", "pids"} <= set((directory / "cgroup.controllers").read_text().split()):
        return None
    if not os.access(directory / "cgroup.subtree_control", os.W_OK):
        return None
    # A group with limits for its children must hold no process itself.
    leaf = directory / f"{_PARENT}-worker"
    leaf.mkdir(exist_ok=True)
    (leaf / "cgroup.procs").write_text(str(os.getpid()))
    (directory / "cgroup.subtree_control").write_text("+memory +pids")
    return directory


def _field(text: bytes, name: bytes) -> int:
    for line in text.splitlines():
        key, _, value = line.partition(b" ")
        if key == name:
            return int(value)
    return 0
