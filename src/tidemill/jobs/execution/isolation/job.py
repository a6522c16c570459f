"""A job's processes as the worker holds them: its pipes, its door, its end."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from tidemill.jobs.execution.isolation.inside import channel
from tidemill.jobs.execution.isolation.plan import Ending, Specification, StartPacket

answer_bytes_spare: Final = 128 * 1024
"""What an answer may have around its result."""
_PENDING_MAX: Final = 64
_ORDER_BYTES_MAX: Final = 32 * 1024


class JobProcess:
    """A job that a room was ordered to begin; a warm one may be ordered to begin more, in turn.

    `stdout`, `stderr` and `result` are descriptors to read from; with `merged` output, `stderr`
    is None and both come in their true order by `stdout`. A warm job has no `result`: its answer
    comes with its end.
    """

    def __init__(self, plug: socket.socket, specification: Specification) -> None:
        self._loop = asyncio.get_running_loop()
        self._plug = plug
        self.stdout, end = _pipe()
        self._ours, self._theirs = [self.stdout], [end]
        self.stderr: int | None = None
        self.result: int | None = None
        if specification.merged:
            self._theirs.append(os.dup(end))
        else:
            self.stderr, end = _pipe()
            self._ours.append(self.stderr)
            self._theirs.append(end)
        if not specification.warm:
            self.result, end = _pipe()
            self._ours.append(self.result)
            self._theirs.append(end)
        self._theirs.append(_memory_file(msgspec.json.encode(specification)))
        self._door: socket.socket | None = None
        self._is_at_door = False
        self._on_door: Callable[[socket.socket], None] | None = None
        self.expect(specification)
        self.gone = asyncio.Event()
        self.stays = False
        """Whether it may get another job, and keeps what it has for that one."""
        self._loop.add_reader(self._plug.fileno(), self._heard)

    def expect(self, specification: Specification) -> None:
        """Get ready for the beginning and the end of a job."""
        self._on_door = None
        self.started: asyncio.Future[int] = self._loop.create_future()
        self.ended: asyncio.Future[Ending] = self._loop.create_future()
        self._answer: list[bytes] = []
        self._answer_bytes_left = specification.result_bytes_max + answer_bytes_spare

    def on_door(self, serve: Callable[[socket.socket], None]) -> None:
        """Call `serve` with the listening socket of the job's relay, once somebody knocks there."""
        self._on_door = serve
        self._wait_at_door()

    def refuse_door(self) -> None:
        """Refuse what the last job has left waiting: it must not speak in the name of the next."""
        for _ in range(_PENDING_MAX if self._door is not None else 0):
            try:
                connection, _ = self._door.accept()  # type: ignore[union-attr]
            except OSError:
                return
            connection.close()

    def begin(self, packet: StartPacket) -> None:
        """Order the room to run it; raises `OSError` when the room has gone."""
        try:
            channel.send(self._plug, msgspec.to_builtins(packet), self._theirs)
        finally:
            self._close_theirs()

    def begin_again(self, specification: Specification) -> None:
        """Order a warm process to run its next job; raises `OSError` when it has gone."""
        job = {"arguments": specification.arguments, "environment": specification.environment}
        order = msgspec.json.encode({"job": job})
        if len(order) > _ORDER_BYTES_MAX:
            self._theirs.append(_memory_file(msgspec.json.encode(job)))
            order = msgspec.json.encode({"job": None})
        try:
            channel.pass_on(self._plug, order, self._theirs)
        finally:
            self._close_theirs()

    def _close_theirs(self) -> None:
        while self._theirs:
            os.close(self._theirs.pop())

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
        """Let go of the job; of what its process has, too, unless that may get another."""
        for future in (self.started, self.ended):
            # Cancels what nobody will hear of any more, and takes note of what came too late.
            if not future.cancel() and not future.cancelled():
                future.exception()
        self._on_door = None
        if not self.stays:
            self.end()

    def end(self) -> None:
        """Close what is left of the pipes."""
        self.stays = False
        self._stop_listening()
        self._close_theirs()
        self._leave_door()
        if self._door is not None:
            self._door.close()
            self._door = None
        while self._ours:
            os.close(self._ours.pop())

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
            self._take(packet, descriptors)

    def _take(self, packet: dict[str, Any], descriptors: list[int]) -> None:
        if "started" in packet:
            self._open_door(descriptors)
            if not self.started.done():
                self.started.set_result(packet["started"])
        elif "broken" in packet:
            if not self.started.done():
                self.started.set_exception(JobNotStarted(packet["broken"]))
        elif "part" in packet:
            self._answered(packet["part"])
        elif not self.ended.done():
            self._end_with(packet)

    def _end_with(self, packet: dict[str, Any]) -> None:
        self._answered(packet["answer"])
        self.ended.set_result(
            Ending(
                ended_at=packet["ended"],
                exit_code=packet["exit"],
                reason=packet["reason"],
                peak_memory_bytes=packet["peak"],
                cpu_microseconds=packet["cpu"],
                reusable=packet["reusable"],
                answer=tuple(self._answer),
            )
        )

    def _answered(self, text: str) -> None:
        if text and self._answer_bytes_left >= 0:
            # One part beyond the limit is kept, which says that it is beyond.
            part = text.encode(errors="replace")
            self._answer.append(part)
            self._answer_bytes_left -= len(part)

    def _open_door(self, descriptors: list[int]) -> None:
        for descriptor in descriptors:
            door = socket.socket(fileno=descriptor)
            door.setblocking(False)
            self._door = door
            self._wait_at_door()

    def _wait_at_door(self) -> None:
        if self._door is not None and not self._is_at_door:
            self._is_at_door = True
            self._loop.add_reader(self._door, self._knocked)

    def _leave_door(self) -> None:
        if self._door is not None and self._is_at_door:
            self._is_at_door = False
            self._loop.remove_reader(self._door)

    def _knocked(self) -> None:
        # Whoever serves the door waits there from now on.
        self._leave_door()
        if self._door is not None and self._on_door is not None:
            self._on_door(self._door.dup())

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
