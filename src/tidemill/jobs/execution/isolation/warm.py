"""Warm processes: each runs the jobs of one script version, one after the other."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final

import msgspec
from msgspec import Struct, structs

from tidemill.jobs.execution.isolation.plan import JobLimits, Specification, ZygoteKey
from tidemill.jobs.execution.isolation.room import Room
from tidemill.jobs.execution.isolation.running import RunningJob

wait_seconds_max: Final = 0.05
"""About as long as a room takes to be made: by then another process was worth it."""


class WarmLimits(Struct, frozen=True, kw_only=True):
    """When a warm process ends, apart from a timeout, a cancellation or too much memory."""

    jobs_max: int = 1000
    idle_seconds_max: float = 60.0
    processes_max: int = 8


class WarmKey(Struct, frozen=True):
    """Which jobs may share a warm process: those of one script version of one tenant."""

    zygote: ZygoteKey
    limits: JobLimits
    script: bytes


class WarmProcess(Struct, kw_only=True, eq=False):
    """A process that has done `jobs` jobs, and waits for another or runs it."""

    key: WarmKey
    running: RunningJob
    jobs: int = 0
    idle_since: float | None = None


def warm_key(key: ZygoteKey, specification: Specification, limits: JobLimits) -> WarmKey:
    """Return what must be equal for a second job in the same process: all but its own values."""
    script = structs.replace(specification, arguments="", environment={})
    return WarmKey(key, limits, msgspec.msgpack.encode(script))


class WarmPool:
    """The warm processes of a worker. Those that wait are kept by their key."""

    def __init__(self, limits: WarmLimits) -> None:
        self._limits = limits
        self._all: dict[int, WarmProcess] = {}
        self._wanted: deque[tuple[WarmKey, asyncio.Future[WarmProcess]]] = deque()

    @property
    def processes(self) -> int:
        """Return how many there are."""
        return len(self._all)

    def take(self, key: WarmKey) -> WarmProcess | None:
        """Return a process that waits for a job of `key`; it is the caller's until released."""
        for process in self._all.values():
            if process.idle_since is not None and process.key == key:
                process.idle_since = None
                process.running.process.refuse_door()
                return process
        return None

    async def take_soon(self, key: WarmKey) -> WarmProcess | None:
        """Return a process as `take` does; where no more can be kept, wait a moment for one.

        A further one would be made for a single job, for many times the work of a short one.
        """
        process = self.take(key)
        if process is not None or not self._is_full_of(key):
            return process
        freed: asyncio.Future[WarmProcess] = asyncio.get_running_loop().create_future()
        self._wanted.append((key, freed))
        await asyncio.wait([freed], timeout=wait_seconds_max)
        if freed.done():
            return freed.result()
        self._wanted.remove((key, freed))
        return None

    def _is_full_of(self, key: WarmKey) -> bool:
        """Return whether all processes that can be kept run jobs, and one of them such a one."""
        if not 0 < self._limits.processes_max <= len(self._all):
            return False
        runs = [process.idle_since is None for process in self._all.values()]
        return all(runs) and any(process.key == key for process in self._all.values())

    def add(self, process: WarmProcess) -> None:
        """Keep a new process, and end the one that has waited longest if these are too many."""
        self._all[process.running.room.number] = process
        process.running.process.stays = True
        process.running.on_release = lambda _: self._released(process)
        if len(self._all) > self._limits.processes_max:
            self.end_longest_idle()

    def forget(self, room: Room) -> None:
        """Hear that no process of `room` is left."""
        process = self._all.pop(room.number, None)
        if process is None:
            return
        process.running.let_go()
        if process.idle_since is not None:
            process.running.process.end()

    def end(self, process: WarmProcess) -> None:
        """End a process that waits, or that did not begin the job it was taken for."""
        self._all.pop(process.running.room.number, None)
        process.running.let_go()
        process.running.process.end()
        process.running.room.dismiss()

    def end_longest_idle(self) -> bool:
        """End the process that has waited longest; return False when none waits."""
        idle = [process for process in self._all.values() if process.idle_since is not None]
        if not idle:
            return False
        self.end(min(idle, key=lambda process: process.idle_since or 0.0))
        return True

    def end_idle(self, now: float) -> None:
        """End those that have waited too long."""
        for process in tuple(self._all.values()):
            since = process.idle_since
            if since is not None and now - since > self._limits.idle_seconds_max:
                self.end(process)

    def _released(self, process: WarmProcess) -> None:
        """Take `process` back when its job has been released, or end it."""
        process.jobs += 1
        running = process.running
        ended = running.process.ended
        reusable = ended.done() and not ended.cancelled() and ended.result().reusable
        has_place = len(self._all) <= self._limits.processes_max
        may_go_on = not running.was_stopped and process.jobs < self._limits.jobs_max
        if reusable and may_go_on and has_place:
            self._keep(process)
        else:
            self.end(process)

    def _keep(self, process: WarmProcess) -> None:
        for wanted in self._wanted:
            if wanted[0] == process.key:
                self._wanted.remove(wanted)
                process.running.process.refuse_door()
                wanted[1].set_result(process)
                return
        process.idle_since = time.monotonic()
