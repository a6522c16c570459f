"""A job's processes as the worker holds them: its pipes, its door, its end."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Final

import msgspec

from tidemill.jobs.execution.isolation.inside import channel
from tidemill.jobs.execution.isolation.plan import Ending, Specification, StartPacket

_PIPE_BYTES: Final = 64 * 1024


class JobProcess:
    """A job that a room was ordered to begin.

    `stdout`, `stderr` and `result` are descriptors to read from; with `merged` output, `stderr`
    is None and both come in their true order by `stdout`.
    """

    def __init__(
        self,
        plug: socket.socket,
        specification: Specification,
        door: socket.socket | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._plug = plug
        self.stdout, self._stdout_end = _pipe()
        self.stderr: int | None
        if specification.merged:
            self.stderr, self._stderr_end = None, os.dup(self._stdout_end)
        else:
            self.stderr, self._stderr_end = _pipe()
        self.result, self._result_end = _pipe()
        self._specification = _memory_file(msgspec.json.encode(specification))
        self.started: asyncio.Future[int] = self._loop.create_future()
        self.ended: asyncio.Future[Ending] = self._loop.create_future()
        self.gone = asyncio.Event()
        self._on_door: Callable[[socket.socket], None] | None = None
        self._door = door
        self.keeps_door = False
        """Whether the door outlives the pipes: the next job of the process has it, too."""
        self._loop.add_reader(self._plug.fileno(), self._heard)

    def on_door(self, serve: Callable[[socket.socket], None]) -> None:
        """Call `serve` with the listening socket of the job's relay, once it is there."""
        self._on_door = serve
        if self._door is not None:
            serve(self._door.dup())

    def take_door(self) -> socket.socket | None:
        """Return the listening socket, which is the caller's from now on."""
        door, self._door = self._door, None
        return door

    def begin(self, packet: StartPacket) -> None:
        """Order the room to run it; raises `OSError` when the room has gone."""
        descriptors = [
            self._stdout_end, self._stderr_end, self._result_end, self._specification,
        ]  # fmt: skip
        try:
            channel.send(self._plug, msgspec.to_builtins(packet), descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def stop(self, grace_seconds: float) -> None:
        """Send TERM to the job's processes, and KILL when any is left after the grace."""
        try:
            channel.send(self._plug, {"stop": grace_seconds}, [])
        except OSError:
            return

    def is_gone(self) -> None:
        """Hear that the last process of the job has ended."""
        self._heard()
        self._stop_listening()
        if not self.started.done():
            self.started.set_exception(JobNotStarted("The processes of the job were killed."))
        if not self.ended.done():
            self.ended.set_result(Ending(ended_at=_now(), exit_code=-9, reason="killed"))
        self.gone.set()

    def close(self) -> None:
        """Close what is left of the pipes."""
        self._stop_listening()
        if self._door is not None and not self.keeps_door:
            self._door.close()
        for descriptor in (self.stdout, self.stderr, self.result):
            if descriptor is not None:
                os.close(descriptor)
        for future in (self.started, self.ended):
            # Cancels what nobody will hear of any more, and takes note of what came too late.
            if not future.cancel() and not future.cancelled():
                future.exception()

    def _heard(self) -> None:
        while self._plug.fileno() >= 0:
            try:
                packet, descriptors = channel.receive(self._plug)
            except BlockingIOError:
                return
            except OSError:
                packet, descriptors = None, []
            if packet is None:
                self._stop_listening()
                return
            if "started" in packet:
                self._open_door(descriptors)
                if not self.started.done():
                    self.started.set_result(packet["started"])
            elif "broken" in packet:
                if not self.started.done():
                    self.started.set_exception(JobNotStarted(packet["broken"]))
            elif not self.ended.done():
                self.ended.set_result(
                    Ending(
                        ended_at=packet["ended"],
                        exit_code=packet["exit"],
                        reason=packet["reason"],
                        peak_memory_bytes=packet["peak"],
                        cpu_microseconds=packet["cpu"],
                        reusable=packet["reusable"],
                    )
                )
                # What comes next by this plug is for the next job.
                self._stop_listening()

    def _open_door(self, descriptors: list[int]) -> None:
        for descriptor in descriptors:
            door = socket.socket(fileno=descriptor)
            door.setblocking(False)
            self._door = door
            if self._on_door is not None:
                self._on_door(door.dup())

    def _stop_listening(self) -> None:
        if self._plug.fileno() >= 0:
            self._loop.remove_reader(self._plug.fileno())
            self._plug.close()


class JobNotStarted(Exception):
    """The walls of a job could not be raised, or it was killed before its code ran."""


def _pipe() -> tuple[int, int]:
    read, write = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(read, False)
    return read, write


def _memory_file(data: bytes) -> int:
    descriptor = os.memfd_create("job", os.MFD_CLOEXEC)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return descriptor


def _now() -> int:
    return time.time_ns() // 1000
