"""The worker's side of a zygote: start it fresh, ask it for rooms, end it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from tidemill.jobs.execution.isolation.inside import channel, place
from tidemill.jobs.execution.isolation.plan import RoomPacket, ZygoteKey, ZygotePlan
from tidemill.jobs.execution.isolation.room import Room

start_seconds_max: Final = 15.0
stop_seconds_max: Final = 3.0

_COMPLAINT_BYTES_MAX: Final = 16 * 1024
_INSIDE: Final = Path(__file__).parent / "inside"
_BOOT: Final = (
    "import sys; sys.path.insert(0, {path!r}); from inside.boot import main; main({number})"
)


class ZygoteNotReady(Exception):
    """The zygote did not come up; the message holds what it printed."""


class Zygote:
    """A running zygote."""

    def __init__(
        self, key: ZygoteKey, process: asyncio.subprocess.Process, control: socket.socket
    ) -> None:
        self.key = key
        self.used_at = time.monotonic()
        self._process = process
        self._control = control
        self._rooms: dict[int, Room] = {}
        self._spare: Room | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def pid(self) -> int:
        """Return the id of its outer process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Return whether it still opens rooms."""
        return self._process.returncode is None and self._control.fileno() >= 0

    @property
    def is_idle(self) -> bool:
        """Return whether none of its rooms has a job."""
        return not any(room.job for room in self._rooms.values())

    def open(self, room: Room, packet: RoomPacket, descriptors: list[int]) -> None:
        """Ask for a room. Raises `OSError` when the zygote has gone."""
        channel.send(self._control, msgspec.to_builtins(packet), descriptors)
        self._rooms[room.number] = room

    @property
    def has_spare(self) -> bool:
        """Return whether a room waits for the next job."""
        return self._spare is not None

    def keep_spare(self, room: Room) -> None:
        """Let `room` wait for the next job."""
        self._spare = room

    def take_spare(self) -> Room | None:
        """Return the room that waits, for the caller's job."""
        room, self._spare = self._spare, None
        return room

    def dismiss_spare(self) -> None:
        """Let the room that waits end."""
        room = self.take_spare()
        if room is not None:
            room.dismiss()

    def kill(self, number: int) -> None:
        """End a room whose own supervisor does not answer."""
        try:
            channel.send(self._control, {"kill": number}, [])
        except OSError:
            self.is_lost()

    async def stop(self) -> None:
        """End the zygote and every process it has started."""
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
            self._control.close()
        try:
            async with asyncio.timeout(stop_seconds_max):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._all_gone()

    def listen(self) -> None:
        """Begin to hear which rooms have gone."""
        self._loop.add_reader(self._control, self._heard)

    def _heard(self) -> None:
        try:
            packet, _ = channel.receive(self._control)
        except BlockingIOError:
            return
        except OSError:
            packet = None
        if packet is None:
            self.is_lost()
        elif "gone" in packet:
            room = self._rooms.pop(packet["gone"], None)
            if room is self._spare:
                self._spare = None
            if room is not None:
                room.is_gone()

    def is_lost(self) -> None:
        """Open no more rooms: the zygote does not answer."""
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
            self._control.close()
        self._all_gone()

    def _all_gone(self) -> None:
        self._spare = None
        while self._rooms:
            self._rooms.popitem()[1].is_gone()


async def start_zygote(key: ZygoteKey, plan: ZygotePlan) -> Zygote:
    """Execute a fresh interpreter and wait until it can open rooms; raises `ZygoteNotReady`."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    boot = _BOOT.format(path=str(_INSIDE.parent), number=theirs.fileno())
    # A file in memory, not a pipe: nobody reads it unless the zygote fails.
    with open(os.memfd_create("zygote"), "w+b") as complaints:  # noqa: ASYNC230, PTH123 - a file in memory, by its descriptor
        process = await asyncio.create_subprocess_exec(
            python_executable(), "-I", "-S", "-X", "utf8", "-c", boot,
            stdin=asyncio.subprocess.DEVNULL, stdout=complaints, stderr=complaints,
            pass_fds=(theirs.fileno(),), env={}, cwd="/", start_new_session=True,
        )  # fmt: skip
        theirs.close()
        zygote = Zygote(key, process, ours)
        try:
            channel.send(ours, msgspec.to_builtins(plan), [])
            async with asyncio.timeout(start_seconds_max):
                await _readable(ours)
            packet, _ = channel.receive(ours)
        except (OSError, TimeoutError):
            packet = None
        if packet is None:
            await zygote.stop()
            complaints.seek(0)
            raise ZygoteNotReady(complaints.read(_COMPLAINT_BYTES_MAX).decode(errors="replace"))
    zygote.listen()
    return zygote


def python_executable() -> str:
    """Return the interpreter itself, not the link to it in a virtual environment."""
    return os.path.realpath(sys.executable)


def read_only_paths() -> tuple[tuple[str, str], ...]:
    """Return what a zygote needs besides the system, and where it is seen behind walls."""
    prefix = os.path.realpath(sys.base_prefix)
    python = [] if prefix.startswith("/usr") else [(prefix, prefix)]
    inside = str(_INSIDE)
    return (*python, (inside, inside), (inside, place.SEEN_AT))


async def _readable(plug: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(plug, wake)
    try:
        await ready
    finally:
        loop.remove_reader(plug)
