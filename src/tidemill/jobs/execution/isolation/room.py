"""A room: the walls of one job, raised before the job is known, and the cell that it stands on."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from tidemill.jobs.execution.isolation.cgroups import CellGroup
from tidemill.jobs.execution.isolation.job import JobProcess

cell_uid_first: Final = 61_000


class Cell(Struct, frozen=True, kw_only=True):
    """What one room at a time may use: a user id, and a control group where there are any."""

    number: int
    group: CellGroup | None

    @property
    def uid(self) -> int:
        """Return the id outside of the walls; as a plain user there is only the own one."""
        return cell_uid_first + self.number if os.geteuid() == 0 else 0


class Cells:
    """The cells of a worker that nobody uses."""

    def __init__(self, groups: list[CellGroup] | None, count: int) -> None:
        self._free = deque(
            Cell(number=number, group=None if groups is None else groups[number])
            for number in range(count)
        )

    def take(self) -> Cell | None:
        """Return a cell that is now the caller's, or None when all are in use."""
        return self._free.popleft() if self._free else None

    def give_back(self, cell: Cell) -> None:
        """Let others use `cell`, in which no process is left."""
        self._free.append(cell)


class Room:
    """Two processes that wait behind walls for one job. `plug` is the worker's end to them."""

    def __init__(self, number: int, cell: Cell, on_gone: Callable[[Room], None]) -> None:
        self.number = number
        self.cell = cell
        self.job: JobProcess | None = None
        self.plug, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.plug.setblocking(False)
        self._on_gone = on_gone

    def is_gone(self) -> None:
        """Hear from the zygote that no process of it is left."""
        if self.job is not None:
            self.job.is_gone()
        self.plug.close()
        self._on_gone(self)

    def dismiss(self) -> None:
        """Let the processes end; only for a room in which no job runs."""
        self.plug.close()
