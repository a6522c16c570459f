"""What jobs are kept from, where, and by which means: the table that is printed and tested."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Guarantee(StrEnum):
    """What a job cannot do."""

    FILES = "files"
    NETWORK = "network"
    PROCESSES = "processes"
    MEMORY = "memory of the tree"
    DISK = "total disk"
    SIGNALS = "signals"


class Setting(StrEnum):
    """Under which conditions a worker runs."""

    ROOT = "root"
    USER_WITH_NAMESPACES = "user with namespaces"
    LANDLOCK_ONLY = "Landlock only"


class Cell(Struct, frozen=True):
    """One promise in one setting. `means` says how it is kept, or why it cannot be."""

    holds: bool
    means: str


PROMISES: Final = {
    Guarantee.FILES: "reads no file of another tenant, of the database, of the server or of the "
    "worker, nor any environment but its own; writes only below its own /tmp",
    Guarantee.NETWORK: "reaches no address and no socket of the host; its loopback interface "
    "leads to the relay and nowhere else",
    Guarantee.PROCESSES: "sees no process but its own, starts no more than its limit, and leaves "
    "none behind",
    Guarantee.MEMORY: "all its processes together hold no more memory than its limit",
    Guarantee.DISK: "all its files together take no more space than its limit",
    Guarantee.SIGNALS: "signals and traces no process but its own",
}

_ROOT_FILES = "mount namespace with a read-only system, a user id per room; Landlock behind it"
_USER_FILES = "mount namespace with a read-only system; Landlock behind it"
_NETWORK = "network namespace; seccomp allows Unix, TCP and UDP sockets only"
_PROCESSES = "process namespace that ends with the job; a limit per user namespace"
_SIGNALS = "process namespace per job; Landlock and seccomp behind it"
_WATCHED = "all processes are looked at every 20 to 250 ms, each has a limit of its own"

TABLE: Final = {
    (Guarantee.FILES, Setting.ROOT): Cell(True, _ROOT_FILES),
    (Guarantee.FILES, Setting.USER_WITH_NAMESPACES): Cell(True, _USER_FILES),
    (Guarantee.FILES, Setting.LANDLOCK_ONLY): Cell(True, "Landlock; names stay visible"),
    (Guarantee.NETWORK, Setting.ROOT): Cell(True, _NETWORK),
    (Guarantee.NETWORK, Setting.USER_WITH_NAMESPACES): Cell(True, _NETWORK),
    (Guarantee.NETWORK, Setting.LANDLOCK_ONLY): Cell(
        True, "seccomp refuses every socket, so there is no relay either"
    ),
    (Guarantee.PROCESSES, Setting.ROOT): Cell(True, f"{_PROCESSES} and a control group"),
    (Guarantee.PROCESSES, Setting.USER_WITH_NAMESPACES): Cell(True, _PROCESSES),
    (Guarantee.PROCESSES, Setting.LANDLOCK_ONLY): Cell(
        False, "without a namespace the kernel counts the job's processes as the worker's"
    ),
    (Guarantee.MEMORY, Setting.ROOT): Cell(True, "control group"),
    (Guarantee.MEMORY, Setting.USER_WITH_NAMESPACES): Cell(
        True, f"control group where one is delegated; elsewhere {_WATCHED}"
    ),
    (Guarantee.MEMORY, Setting.LANDLOCK_ONLY): Cell(True, _WATCHED),
    (Guarantee.DISK, Setting.ROOT): Cell(True, "size of the job's own tmpfs"),
    (Guarantee.DISK, Setting.USER_WITH_NAMESPACES): Cell(True, "size of the job's own tmpfs"),
    (Guarantee.DISK, Setting.LANDLOCK_ONLY): Cell(False, "only each single file can be limited"),
    (Guarantee.SIGNALS, Setting.ROOT): Cell(True, _SIGNALS),
    (Guarantee.SIGNALS, Setting.USER_WITH_NAMESPACES): Cell(True, _SIGNALS),
    (Guarantee.SIGNALS, Setting.LANDLOCK_ONLY): Cell(True, "Landlock 6 and seccomp"),
}

# What one job of a warm process can meet of the jobs before it; all were of the same tenant and
# the same version of the same script. Against everybody else the cells above hold.
BETWEEN_WARM_JOBS: Final = {
    Guarantee.FILES: Cell(False, "files below /tmp stay, as the script's globals do"),
    Guarantee.NETWORK: Cell(
        True, "no token is in the process; what waits at the relay when a job ends is refused"
    ),
    Guarantee.PROCESSES: Cell(
        True, "where a thread or a child is left, the process ends and all with it"
    ),
    Guarantee.MEMORY: Cell(
        False, "what jobs keep counts together; over the limit the process ends"
    ),
    Guarantee.DISK: Cell(False, "what jobs leave counts together"),
    Guarantee.SIGNALS: Cell(True, "timers stop when a job ends, and no process is left to signal"),
}


# What `fork` promises, wherever it runs: it is for code that is trusted as Tidemill itself is.
OF_FORK: Final = {
    Guarantee.FILES: Cell(False, "what the worker's user may read and write"),
    Guarantee.NETWORK: Cell(False, "what the machine reaches, the worker's socket with it"),
    Guarantee.PROCESSES: Cell(
        False, "it sees all and starts as many as it likes, but leaves none behind"
    ),
    Guarantee.MEMORY: Cell(False, "as much as the worker's user may have"),
    Guarantee.DISK: Cell(False, "as much as there is"),
    Guarantee.SIGNALS: Cell(False, "those of the worker's user"),
}


def every_cell_holds(setting: Setting) -> bool:
    """Return whether `sandbox` may be offered in `setting`."""
    return all(TABLE[guarantee, setting].holds for guarantee in Guarantee)


def table_in_markdown() -> str:
    """Return the table as the documentation shows it."""
    columns = [*Setting, "between jobs of a `warm` process", "`fork`"]
    lines = ["| a job … | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for guarantee in Guarantee:
        cells = [TABLE[guarantee, setting] for setting in Setting]
        cells += [BETWEEN_WARM_JOBS[guarantee], OF_FORK[guarantee]]
        shown = [f"{'yes' if cell.holds else '**no**'}: {cell.means}" for cell in cells]
        lines.append(f"| **{guarantee}**: {PROMISES[guarantee]} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"
