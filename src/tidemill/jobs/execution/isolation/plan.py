"""What the worker tells the other side of the wall, and what it hears."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Final

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


WALLS_OF = {
    Isolation.FORK: Walls.NONE,
    Isolation.SANDBOX: Walls.NAMESPACES,
    Isolation.WARM: Walls.NAMESPACES,
}


class Environment(Struct, frozen=True, kw_only=True):
    """What a zygote and its jobs have at hand besides the system and Python itself.

    `read_only` and `writable` are files and directories of the host, and where each is seen behind
    walls: a job's own /tmp would hide what lies below it. `path` is
    where modules are found, `preload` which of them are imported before the fork. `network` is
    for our own code only: its jobs stay in the host's network and have no relay.
    """

    wide: bool = False
    read_only: tuple[tuple[str, str], ...] = ()
    writable: tuple[tuple[str, str], ...] = ()
    path: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    network: bool = False
    address_bytes: int | None = None
    """What one process may reserve of addresses, for programs that reserve far more than they use;
    their memory is limited all the same."""


BASE: Final = Environment()
WIDE: Final = Environment(wide=True)
"""The two sets of modules of the standard library that a zygote may have imported."""

_WIDE_MODULES: Final = re.compile(
    r"\b(?:async|asyncio|base64|csv|dataclass\w*|datetime|decimal|hashlib|http|logging|pathlib"
    r"|random|shutil|statistics|subprocess|tempfile|tidemill|urllib|uuid)\b"
)


def environment_of(content: str) -> Environment:
    """Return which zygote starts this Python script soonest: small forks, or modules at hand."""
    return WIDE if _WIDE_MODULES.search(content) else BASE


class ZygoteKey(Struct, frozen=True):
    """Which jobs may share a zygote: those of one tenant in one environment."""

    walls: Walls
    tenant_id: str
    environment: Environment = BASE


class ZygotePlan(Struct, frozen=True, kw_only=True):
    """The first packet to a zygote."""

    walls: Walls
    read_only: tuple[tuple[str, str], ...]
    uids: tuple[int, int]
    counted_memory: bool
    wide: bool = False
    preload: tuple[str, ...] = ()
    writable: tuple[tuple[str, str], ...] = ()
    path: tuple[str, ...] = ()
    network: bool = False


class JobLimits(Struct, frozen=True, kw_only=True):
    """What one job may use; open files count for each process, the rest for all together."""

    memory_bytes_max: int
    disk_bytes_max: int
    processes_max: int
    open_files_max: int = 1024


class RoomPacket(Struct, frozen=True, kw_only=True):
    """The request to a zygote to raise the walls of one job, which is not known yet."""

    room: int
    uid: int
    directory: str


class StartPacket(Struct, frozen=True, kw_only=True):
    """The order to a room to begin its job."""

    counted: bool
    memory_bytes_max: int
    address_bytes_max: int
    disk_bytes_max: int
    processes_max: int
    open_files_max: int
    warm: bool = False


class Specification(Struct, frozen=True, kw_only=True):
    """What the job's own process runs.

    `merged` is whether its lines and its complaints are one stream. `settings` are for the runner
    of the language. `modules` are other scripts that it imports: their text by their path. `warm`
    is whether the process stays for more jobs of the same script.
    """

    language: str
    name: str
    content: str
    arguments: str
    environment: dict[str, str]
    result_bytes_max: int
    merged: bool = True
    warm: bool = False
    settings: dict[str, Any] = {}
    modules: dict[str, str] = {}


class Ending(Struct, frozen=True, kw_only=True):
    """How a job's processes ended. A negative `exit_code` is the number of a signal."""

    ended_at: int
    exit_code: int
    reason: str | None = None
    peak_memory_bytes: int = 0
    cpu_microseconds: int = 0
    reusable: bool = False
    """Whether its process is still there and may take another job of the same script."""
    answer: tuple[bytes, ...] = ()
    """What a warm process has answered, in parts; others write it to their descriptor."""
