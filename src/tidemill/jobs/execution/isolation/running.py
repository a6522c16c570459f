"""A job that has been ordered to begin: what its worker can do with it until it has ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from msgspec import structs

from tidemill.jobs.execution.isolation.cgroups import CellGroup
from tidemill.jobs.execution.isolation.job import JobProcess
from tidemill.jobs.execution.isolation.plan import Ending, Walls
from tidemill.jobs.execution.isolation.room import Room
from tidemill.jobs.execution.isolation.zygote import Zygote


class RunningJob:
    """A started job, with the group that counts for it."""

    def __init__(self, process: JobProcess, zygote: Zygote, room: Room) -> None:
        group = None if zygote.key.walls is Walls.NONE else room.cell.group
        self.process = process
        self.room = room
        self.was_stopped = False
        self.on_release: Callable[[RunningJob], None] | None = None
        self.zygote = zygote
        self._group: CellGroup | None = group
        self._kills = 0 if group is None else group.out_of_memory_kills()
        self._alarm = None if group is None else group.alarm()
        self._alarmed = False
        if self._alarm is not None:
            asyncio.get_running_loop().add_reader(self._alarm, self._on_alarm)
            process.ended.add_done_callback(self._job_ended)

    def expect(self) -> None:
        """Get ready for the next job of a warm process."""
        self.was_stopped = self._alarmed = False
        if self._alarm is not None:
            self.process.ended.add_done_callback(self._job_ended)

    def stop(self, grace_seconds: float) -> None:
        """Send TERM, and KILL after the grace."""
        self.was_stopped = True
        self.process.stop(grace_seconds)

    def kill(self) -> None:
        """End every process of the job now."""
        self.was_stopped = True
        self.zygote.kill(self.room.number)

    async def end(self) -> Ending:
        """Return how the job ended, once no process that it started is left."""
        ending = await self.process.ended
        if self._group is None:
            return ending
        peak = max(ending.peak_memory_bytes, self._group.peak_memory_bytes())
        kills = self._group.out_of_memory_kills()
        killed = self._alarmed or kills > self._kills
        self._kills = kills
        reason = "memory" if killed and ending.exit_code != 0 else ending.reason
        return structs.replace(ending, peak_memory_bytes=peak, reason=reason)

    def release(self) -> None:
        """Say that nothing of the worker serves the job any more: its process may get another."""
        if self.on_release is not None:
            self.on_release(self)

    def let_go(self) -> None:
        """Heed no alarm any more: another room may get the cell."""
        if self._alarm is not None:
            asyncio.get_running_loop().remove_reader(self._alarm)
            self._alarm = None

    def _job_ended(self, ended: asyncio.Future[Ending]) -> None:
        if ended.cancelled() or not ended.result().reusable:
            self.let_go()

    def _on_alarm(self) -> None:
        if self._alarm is not None:
            os.eventfd_read(self._alarm)
        # The kernel picks one process; the limit was that of all, so all end.
        self._alarmed = True
        self.kill()
