"""Warm processes: each runs the jobs of one script version, one after the other."""

from __future__ import annotations

import socket
import time
from typing import Final

import msgspec
from msgspec import Struct, structs

from tidemill.jobs.execution.isolation.plan import JobLimits, Specification, ZygoteKey
from tidemill.jobs.execution.isolation.room import Room
from tidemill.jobs.execution.isolation.running import RunningJob
from tidemill.jobs.execution.isolation.zygote import Zygote


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
    zygote: Zygote
    room: Room
    door: socket.socket | None = None
    jobs: int = 0
    idle_since: float | None = None


def warm_key(key: ZygoteKey, specification: Specification, limits: JobLimits) -> WarmKey:
    """Return what must be equal for a second job in the same process: all but its own values."""
    script = structs.replace(specification, arguments="", environment={})
    return WarmKey(key, limits, msgspec.msgpack.encode(script))


def only_job(specification: Specification) -> Specification:
    """Return what a process that has the script already needs to know of its next job."""
    return structs.replace(specification, content="", settings={}, modules={})


class WarmPool:
    """The warm processes of a worker. Those that wait are kept by their key."""

    def __init__(self, limits: WarmLimits) -> None:
        self._limits = limits
        self._all: dict[int, WarmProcess] = {}

    @property
    def processes(self) -> int:
        """Return how many there are."""
        return len(self._all)

    def take(self, key: WarmKey) -> WarmProcess | None:
        """Return a process that waits for a job of `key`; it is the caller's until released."""
        for process in self._all.values():
            if process.idle_since is not None and process.key == key:
                process.idle_since = None
                _empty(process.door)
                return process
        return None

    def add(self, process: WarmProcess, running: RunningJob) -> None:
        """Keep a new process, and end the one that has waited longest if these are too many."""
        self._all[process.room.number] = process
        self.follow(process, running)
        if len(self._all) > self._limits.processes_max:
            self.end_longest_idle()

    def follow(self, process: WarmProcess, running: RunningJob) -> None:
        """Take `process` back when its job has been released, or end it."""
        running.process.keeps_door = True
        running.on_release = lambda _: self._released(process, running)

    def forget(self, room: Room) -> None:
        """Hear that no process of `room` is left."""
        process = self._all.pop(room.number, None)
        if process is not None:
            _close(process)

    def end_longest_idle(self) -> bool:
        """End the process that has waited longest; return False when none waits."""
        idle = [process for process in self._all.values() if process.idle_since is not None]
        if not idle:
            return False
        self._end(min(idle, key=lambda process: process.idle_since or 0.0))
        return True

    def end_idle(self, now: float) -> None:
        """End those that have waited too long."""
        for process in tuple(self._all.values()):
            since = process.idle_since
            if since is not None and now - since > self._limits.idle_seconds_max:
                self._end(process)

    def _released(self, process: WarmProcess, running: RunningJob) -> None:
        process.door = running.process.take_door()
        process.jobs += 1
        ended = running.process.ended
        reusable = ended.done() and not ended.cancelled() and ended.result().reusable
        has_place = len(self._all) <= self._limits.processes_max
        may_go_on = not running.was_stopped and process.jobs < self._limits.jobs_max
        if reusable and may_go_on and has_place:
            process.idle_since = time.monotonic()
        else:
            self._end(process)

    def _end(self, process: WarmProcess) -> None:
        self._all.pop(process.room.number, None)
        _close(process)
        process.room.dismiss()


def _close(process: WarmProcess) -> None:
    if process.door is not None:
        process.door.close()
        process.door = None


_PENDING_MAX: Final = 64


def _empty(door: socket.socket | None) -> None:
    """Refuse what the last job has left waiting: it must not speak in the name of the next."""
    for _ in range(_PENDING_MAX if door is not None else 0):
        try:
            connection, _ = door.accept()  # type: ignore[union-attr]
        except OSError:
            return
        connection.close()
