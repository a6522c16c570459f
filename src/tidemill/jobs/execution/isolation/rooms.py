"""Opens rooms, each in a cell of its own, and keeps one ready beside each zygote."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tidemill.jobs.execution.isolation.cgroups import CellGroup
from tidemill.jobs.execution.isolation.job import JobNotStarted
from tidemill.jobs.execution.isolation.plan import RoomPacket, Walls
from tidemill.jobs.execution.isolation.room import Cell, Cells, Room
from tidemill.jobs.execution.isolation.zygote import Zygote


class Rooms:
    """The rooms of one worker; never more of them than cells."""

    def __init__(self, directory: Path, groups: list[CellGroup] | None, cells: int) -> None:
        self.on_left: Callable[[Room], None] = lambda _: None
        self.make_place: Callable[[], None] = lambda: None
        self._directory = directory
        self._cells = Cells(groups, cells)
        self._cell_returned = asyncio.Event()
        self._numbers = 0

    async def open(self, zygote: Zygote) -> Room:
        """Return a new room, once there is a place; raises `JobNotStarted`."""
        while (cell := self._cells.take()) is None:
            self._cell_returned.clear()
            self.make_place()
            await self._cell_returned.wait()
        return self._open(zygote, cell)

    def refill(self, zygote: Zygote) -> None:
        """Keep a room ready beside `zygote`, if there is a place for it."""
        if not zygote.is_alive or zygote.has_spare:
            return
        cell = self._cells.take()
        if cell is not None:
            with suppress(JobNotStarted):
                zygote.keep_spare(self._open(zygote, cell))

    def _open(self, zygote: Zygote, cell: Cell) -> Room:
        self._numbers += 1
        room = Room(self._numbers, cell, self._left)
        packet = RoomPacket(
            room=room.number,
            uid=cell.uid,
            directory=str(self._directory / f"job-{room.number}"),
        )
        group = None if zygote.key.walls is Walls.NONE else cell.group
        entrances = [] if group is None else group.entrances()
        try:
            zygote.open(room, packet, [room.theirs.fileno(), *entrances])
        except OSError as error:
            room.is_gone()
            zygote.is_lost()
            raise JobNotStarted("The zygote has ended; the job did not begin.") from error
        finally:
            room.theirs.close()
            for entrance in entrances:
                os.close(entrance)
        return room

    def _left(self, room: Room) -> None:
        self._cells.give_back(room.cell)
        self._cell_returned.set()
        self.on_left(room)
