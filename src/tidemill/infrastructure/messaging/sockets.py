"""The bus of processes on one machine: each has a socket in one directory, and tells the others.

Datagrams, so that nobody waits for a reader; what a full or dead socket does not take is lost,
which the port allows.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.messaging.errors import BusUnavailable
from tidemill.infrastructure.messaging.messages import (
    check_subjects,
    encode_ephemeral,
    encode_number,
    subject,
)
from tidemill.infrastructure.messaging.receivers import Receivers

datagram_bytes_max: Final = 64 * 1024
datagrams_per_turn_max: Final = 64
datagrams_waiting_max: Final = 10_000
retry_seconds: Final = 0.002
"""A system may hold as few as ten datagrams for a reader."""
_SUFFIX: Final = ".bus"
_FACTS, _EPHEMERAL = b"f", b"e"


class SocketBus(Receivers):
    """See the module. Only processes of this user can enter the directory."""

    name = "sockets"

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._own = f"{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
        self._socket: socket.socket | None = None
        self._opened: int | None = None
        self._waiting: dict[str, deque[bytes]] = {}
        self._retry: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Open the own socket. Raises `BusUnavailable`."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Paths of sockets have 107 bytes at most; the way over the descriptor is short.
            self._opened = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            own.setblocking(False)
            own.bind(self._path(self._own))
        except OSError as error:
            raise BusUnavailable(self.name, error.strerror or "the directory") from error
        self._socket = own
        asyncio.get_running_loop().add_reader(own.fileno(), self._readable)

    async def stop(self) -> None:
        """Close the own socket."""
        self._waiting.clear()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
            (self._directory / self._own).unlink(missing_ok=True)
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None

    async def publish(self, batches: Sequence[FactBatch]) -> None:
        """Tell the numbers of facts; the log has the facts themselves."""
        check_subjects(tuple(batches))
        for batch in batches:
            self._tell(_FACTS + encode_number(batch.tenant_id, batch.through))

    async def broadcast(self, update: Ephemeral) -> None:
        """Tell an ephemeral update, at most once."""
        subject("", update.tenant_id)
        self._tell(_EPHEMERAL + encode_ephemeral(update))

    def _tell(self, datagram: bytes) -> None:
        if self._socket is None or len(datagram) > datagram_bytes_max:
            return
        for name in self._names():
            waiting = self._waiting.get(name)
            if waiting is not None:
                if len(waiting) < datagrams_waiting_max:
                    waiting.append(datagram)
            elif not self._sent(name, datagram):
                self._waiting[name] = deque([datagram])
                self._try_again_later()

    def _names(self) -> list[str]:
        """Return who has a socket here; read each time, as processes come and go."""
        try:
            return [name for name in os.listdir(self._directory) if name.endswith(_SUFFIX)]  # noqa: PTH208 - a tenth of what paths cost
        except FileNotFoundError:
            return []

    def _sent(self, name: str, datagram: bytes) -> bool:
        """Send to one process; return False when its socket is full for now."""
        if self._socket is None:
            return True
        try:
            self._socket.sendto(datagram, self._path(name))
        except BlockingIOError:
            return False
        except ConnectionRefusedError:
            # Its process was killed.
            (self._directory / name).unlink(missing_ok=True)
        except OSError:
            return True  # It is gone in this moment.
        return True

    def _try_again_later(self) -> None:
        if self._retry is None:
            loop = asyncio.get_running_loop()
            self._retry = loop.call_later(retry_seconds, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        for name, waiting in list(self._waiting.items()):
            while waiting and self._sent(name, waiting[0]):
                waiting.popleft()
            if not waiting:
                del self._waiting[name]
        if self._waiting:
            self._try_again_later()

    def _readable(self) -> None:
        for _ in range(datagrams_per_turn_max):
            own = self._socket
            if own is None:
                return
            with suppress(BlockingIOError):
                self._take(own.recv(datagram_bytes_max))
                continue
            return

    def _take(self, datagram: bytes) -> None:
        kind, payload = datagram[:1], datagram[1:]
        if kind == _FACTS:
            self._received_fact_bytes(payload)
        elif kind == _EPHEMERAL:
            self._received_ephemeral_bytes(payload)

    def _path(self, name: str) -> str:
        if Path("/proc/self/fd").is_dir():
            return f"/proc/self/fd/{self._opened}/{name}"
        return str(self._directory / name)
