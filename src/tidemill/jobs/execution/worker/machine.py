"""What this machine has to offer to jobs, within the limits that were set for this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_GROUP: Final = Path("/sys/fs/cgroup")
_MIB: Final = 1024 * 1024


def machine_cpu(group: Path = _GROUP) -> float:
    """Return how many cores this process may use."""
    try:
        cores = float(len(os.sched_getaffinity(0)))
    except AttributeError:  # macOS has no such call
        cores = float(os.cpu_count() or 1)
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(period) > 0:
        return min(cores, int(quota) / int(period))
    return cores


def machine_memory_mib(group: Path = _GROUP) -> int:
    """Return how much memory this process may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(group / "memory.max")
    return (min(total, int(limit)) if limit.isdigit() else total) // _MIB


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
