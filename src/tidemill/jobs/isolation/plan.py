"""What the worker tells the other side of the wall, and what it hears."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.jobs.protocol.messages import Isolation


class Walls(StrEnum):
    """What stands around a zygote and its jobs."""

    NONE = "none"
    """Only processes of their own: for code that its owner trusts."""

    LANDLOCK = "landlock"
    """No namespaces: Landlock, seccomp and limits. Not enough for `sandbox`."""

    NAMESPACES = "namespaces"
    """Namespaces first, Landlock, seccomp and limits behind them."""


WALLS_OF = {Isolation.FORK: Walls.NONE, Isolation.SANDBOX: Walls.NAMESPACES}


BASE: Final = "base"
WIDE: Final = "wide"
"""The two sets of modules of the standard library that a zygote may have imported."""

_WIDE_MODULES: Final = re.compile(
    r"\b(?:async|asyncio|base64|csv|dataclass\w*|datetime|decimal|hashlib|http|pathlib|random"
    r"|shutil|statistics|subprocess|tempfile|urllib|uuid)\b"
)


def environment_of(language: str, content: str) -> str:
    """Return which zygote starts this script soonest: small forks, or modules at hand."""
    return WIDE if language == "python" and _WIDE_MODULES.search(content) else BASE


class ZygoteKey(Struct, frozen=True):
    """Which jobs may share a zygote: those of one tenant in one environment."""

    walls: Walls
    tenant_id: str
    environment: str = BASE


class ZygotePlan(Struct, frozen=True, kw_only=True):
    """The first packet to a zygote."""

    walls: Walls
    read_only: tuple[str, ...]
    uids: tuple[int, int]
    counted_memory: bool
    wide: bool = False
    preload: tuple[str, ...] = ()


class JobLimits(Struct, frozen=True, kw_only=True):
    """What one job may use; open files count for each process, the rest for all together."""

    memory_bytes_max: int
    disk_bytes_max: int
    processes_max: int
    open_files_max: int = 1024


class StartPacket(Struct, frozen=True, kw_only=True):
    """The request to fork a job."""

    start: int
    uid: int
    directory: str
    counted: bool
    memory_bytes_max: int
    address_bytes_max: int
    disk_bytes_max: int
    processes_max: int
    open_files_max: int


class Specification(Struct, frozen=True, kw_only=True):
    """What the job's own process runs."""

    language: str
    name: str
    content: str
    arguments: str
    environment: dict[str, str]
    result_bytes_max: int


class Ending(Struct, frozen=True, kw_only=True):
    """How a job's processes ended. A negative `exit_code` is the number of a signal."""

    ended_at: int
    exit_code: int
    reason: str | None = None
    peak_memory_bytes: int = 0
