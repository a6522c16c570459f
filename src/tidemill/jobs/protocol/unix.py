"""The Unix socket between a dispatcher and the workers of its own machine.

Three things keep strangers out: the socket lies in a directory that only its owner may enter,
both ends compare the other's user id, and the first message carries a secret that changes with
each start of the dispatcher and lies in a file of the same directory.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tidemill.jobs.protocol.connection import (
    Connection,
    DispatcherConnection,
    WorkerConnection,
    dispatcher_end,
    worker_end,
)
from tidemill.jobs.protocol.errors import ConnectionLost, UntrustedSocket
from tidemill.jobs.protocol.links import StreamLink
from tidemill.jobs.protocol.receiving import Windows

socket_name: Final = "workers.sock"
secret_name: Final = "workers.secret"  # noqa: S105 - the name of a file
connect_seconds_max: Final = 5.0
connections_max: Final = 256

_CREDENTIALS = struct.Struct("3i")

Accept = Callable[[DispatcherConnection], Awaitable[None]]


class UnixListener:
    """Accepts workers; each connection runs `accept` in a task of its own."""

    def __init__(self, directory: Path, accept: Accept, *, windows: Windows | None = None) -> None:
        self.directory = directory
        self.secret = secrets.token_urlsafe(32)
        self._accept = accept
        self._windows = windows
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], DispatcherConnection] = {}

    async def start(self) -> None:
        """Make the directory, the secret and the socket; raises `UntrustedSocket`."""
        _make_private(self.directory)
        write_private(self.directory / secret_name, self.secret)
        listening = _bound(self.directory)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._protocol, sock=listening)

    async def stop(self) -> None:
        """Take no more workers, and close the connections."""
        if self._server is None:
            return
        self._server.close()
        await asyncio.gather(*(connection.close() for connection in self._tasks.values()))
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*tuple(self._tasks), return_exceptions=True)
        await self._server.wait_closed()
        (self.directory / socket_name).unlink(missing_ok=True)

    def is_secret(self, candidate: str) -> bool:
        """Return whether `candidate` is the secret of this start, in constant time."""
        return hmac.compare_digest(candidate.encode(), self.secret.encode())

    def _protocol(self) -> StreamLink:
        return _link(dispatcher_end(windows=self._windows), self._made)

    def _made(self, connection: Connection[Any, Any]) -> None:
        if len(self._tasks) >= connections_max:
            connection.abort("Too many workers are connected.")
            return
        task = asyncio.ensure_future(self._serve(connection))
        self._tasks[task] = connection
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, connection: DispatcherConnection) -> None:
        try:
            await self._accept(connection)
        except ConnectionLost:
            pass
        finally:
            await connection.close()


async def connect(directory: Path, *, windows: Windows | None = None) -> WorkerConnection:
    """Return a connection to the dispatcher whose socket lies in `directory`.

    Raises `ConnectionLost` when nobody listens there, and `UntrustedSocket` when another user
    could have made the directory or answered.
    """
    check_private(directory)
    connection = worker_end(windows=windows)
    made: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    link = _link(connection, lambda _: made.set_result(None))
    plug = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    plug.setblocking(False)
    try:
        async with asyncio.timeout(connect_seconds_max):
            with _short(directory) as path:
                await asyncio.get_running_loop().sock_connect(plug, path)
            if not _is_trusted(plug):
                plug.close()
                raise UntrustedSocket(f"{directory / socket_name} is served by another user.")
            await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=plug)
            await made
    except (OSError, TimeoutError) as error:
        plug.close()
        raise ConnectionLost(f"No dispatcher answers at {directory / socket_name}.") from error
    return connection


def read_secret(directory: Path) -> str:
    """Return the secret of the dispatcher's present start; raises `ConnectionLost` without one."""
    try:
        return (directory / secret_name).read_text()
    except FileNotFoundError as error:
        raise ConnectionLost(f"No dispatcher has started in {directory}.") from error


def check_private(directory: Path) -> None:
    """Return when only this user may enter `directory`; raise `UntrustedSocket` otherwise."""
    try:
        found = directory.lstat()
    except FileNotFoundError as error:
        raise ConnectionLost(f"{directory} does not exist.") from error
    private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    if not private or found.st_uid != os.geteuid():
        raise UntrustedSocket(
            f"{directory} must be a directory of user {os.geteuid()} with mode 0700."
        )


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file with `text` that only this user may read, at once."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def _link(
    connection: Connection[Any, Any], on_made: Callable[[Connection[Any, Any]], None]
) -> StreamLink:
    return StreamLink(
        connection,
        on_made=on_made,
        is_trusted=lambda transport: _is_trusted(transport.get_extra_info("socket")),
    )


def _is_trusted(plug: socket.socket) -> bool:
    raw = plug.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return uid in {os.geteuid(), 0}


def _make_private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_private(directory)


def _bound(directory: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        (directory / socket_name).unlink(missing_ok=True)
        with _short(directory) as path:
            listening.bind(path)
        (directory / socket_name).chmod(0o600)
    except OSError:
        listening.close()
        raise
    return listening


@contextmanager
def _short(directory: Path) -> Iterator[str]:
    # A socket's path has 107 bytes at most; a data directory may lie deeper than that.
    path = str(directory / socket_name)
    if len(path.encode()) <= 100 or not Path("/proc/self/fd").is_dir():
        yield path
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{socket_name}"
    finally:
        os.close(descriptor)
