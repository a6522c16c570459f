"""TLS between a dispatcher and workers on other machines.

The dispatcher shows a certificate; the worker proves itself by the token in its `Hello`, and by a
certificate of its own where the operator asks for one. Until the greeting is accepted a
connection may send little, and not for long.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog
from msgspec import Struct

from tidemill.core.config import ConfigRefused
from tidemill.jobs.protocol.connection import (
    Connection,
    DispatcherConnection,
    WorkerConnection,
    dispatcher_end,
    worker_end,
)
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.links import StreamLink
from tidemill.jobs.protocol.receiving import STRANGER, Windows
from tidemill.jobs.protocol.visitors import Visitor, Visitors, strangers_max

handshake_seconds_max: Final = 5.0
connect_seconds_max: Final = 10.0
backlog: Final = 512
accept_pause_seconds: Final = 0.5
silent_seconds_max: Final = 20
"""After so long without an answer the system gives a connection up, on both sides."""

_AUTHORITY_UNKNOWN: Final = frozenset({18, 19, 20, 21})
"""OpenSSL's codes for a certificate that no trusted authority has signed."""
_NAMED_OTHERWISE: Final = frozenset({62, 64})
"""OpenSSL's codes for a host and an address that the certificate does not hold."""

log = structlog.get_logger("tidemill.jobs.protocol")

Accept = Callable[[DispatcherConnection, str], Awaitable[None]]
"""Talks with a worker; the text is the address that it comes from."""


class TlsPlace(Struct, frozen=True, kw_only=True):
    """Where to listen, and with which files; `client_ca_file` makes workers show a certificate."""

    host: str
    port: int
    certificate_file: str
    key_file: str
    client_ca_file: str = ""


class TlsTarget(Struct, frozen=True, kw_only=True):
    """Which dispatcher to call; without `ca_file` the machine's authorities are trusted."""

    host: str
    port: int
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


class TlsListener:
    """Accepts workers from other machines; each connection runs `accept` in a task of its own."""

    def __init__(
        self,
        place: TlsPlace,
        accept: Accept,
        *,
        may_enter: Callable[[str], bool] = lambda _: True,
        windows: Windows = STRANGER,
        strangers_max: int = strangers_max,
    ) -> None:
        self._place = place
        self._accept = accept
        self._may_enter = may_enter
        self._windows = windows
        self._context: ssl.SSLContext | None = None
        self._files_at: tuple[float, ...] = ()
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._visitors = Visitors(strangers_max=strangers_max)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Return the port that it listens on, which the system chose where 0 was asked for."""
        return 0 if self._listening is None else int(self._listening.getsockname()[1])

    async def start(self) -> None:
        """Read the files and listen; raises `ConfigRefused`."""
        self._context = _server_context(self._place)
        self._files_at = self._changed_at()
        self._listening = _bound(self._place)
        self._accepting = asyncio.create_task(self._accept_workers(), name="tls workers")

    async def stop(self) -> None:
        """Take no more workers, and close the connections."""
        if self._listening is None or self._accepting is None:
            return
        self._accepting.cancel()
        with suppress(asyncio.CancelledError):
            await self._accepting
        self._listening.close()
        self._listening = None
        there = [visitor.connection for visitor in self._visitors]
        await asyncio.gather(*(one.close() for one in there if one is not None))
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept_workers(self) -> None:
        assert self._listening is not None  # noqa: S101 - `start` made it
        loop = asyncio.get_running_loop()
        while True:
            try:
                plug, address = await loop.sock_accept(self._listening)
            except OSError as error:
                # Most often there are no more descriptors; others work on meanwhile.
                log.warning("workers.tls.not_accepted", reason=str(error))
                await asyncio.sleep(accept_pause_seconds)
                continue
            visitor = self._visitors.enter(address[0]) if self._may_enter(address[0]) else None
            if visitor is None:
                plug.close()
                continue
            visitor.opening = self._begin(self._open(plug, visitor))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self, plug: socket.socket, visitor: Visitor) -> None:
        address = visitor.address
        connection = dispatcher_end(windows=self._windows, peer=f"The worker at {address}")
        link = StreamLink(connection, on_made=lambda made: self._made(made, visitor))
        try:
            _tune(plug)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: link,
                plug,
                ssl=self._context_now(),
                ssl_handshake_timeout=handshake_seconds_max,
            )
        except (OSError, TimeoutError) as error:
            log.info("workers.tls.handshake_failed", address=address, reason=str(error))
            plug.close()
        finally:
            if visitor.connection is None:
                self._visitors.leave(visitor)

    def _made(self, connection: Connection[Any, Any], visitor: Visitor) -> None:
        visitor.connection = connection
        self._begin(self._serve(connection, visitor))

    async def _serve(self, connection: DispatcherConnection, visitor: Visitor) -> None:
        address = visitor.address
        try:
            await self._accept(connection, address)
        except ConnectionLost as lost:
            log.debug("workers.tls.lost", address=address, reason=str(lost))
        except Exception:
            # Whatever one worker has said, the others are served.
            log.exception("workers.tls.broke", address=address)
        finally:
            await connection.close()
            self._visitors.leave(visitor)

    def _context_now(self) -> ssl.SSLContext:
        """Return what handshakes use, with files that were replaced meanwhile."""
        assert self._context is not None  # noqa: S101 - `start` made it
        changed_at = self._changed_at()
        if changed_at != self._files_at:
            self._files_at = changed_at
            try:
                self._context = _server_context(self._place)
            except ConfigRefused as error:
                log.error("workers.tls.certificate_unusable", reason=str(error))  # noqa: TRY400 - the reason says it
        return self._context

    def _changed_at(self) -> tuple[float, ...]:
        place = self._place
        try:
            return tuple(
                Path(name).stat().st_mtime
                for name in (place.certificate_file, place.key_file, place.client_ca_file)
                if name
            )
        except OSError:
            # In the middle of being replaced: what was read last still holds.
            return self._files_at


async def dial(target: TlsTarget, *, windows: Windows | None = None) -> WorkerConnection:
    """Return a connection to the dispatcher at `target`; raises `ConnectionLost` with why not."""
    where = f"{target.host}:{target.port}"
    connection = worker_end(windows=windows, peer=f"The dispatcher at {where}")
    made: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    link = StreamLink(connection, on_made=lambda _: made.set_result(None))
    try:
        context = _client_context(target)
        async with asyncio.timeout(connect_seconds_max):
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: link, target.host, target.port, ssl=context
            )
            _tune(transport.get_extra_info("socket"))
            await made
    except ssl.SSLCertVerificationError as error:
        reason = f"The certificate of {where} is not trusted: {error.verify_message.rstrip('.')}."
        raise ConnectionLost(f"{reason}{_advice(error.verify_code)}") from error
    except (OSError, TimeoutError) as error:
        why = str(error) or "it took too long"
        raise ConnectionLost(f"No dispatcher answers at {where}: {why}.") from error
    return connection


def _advice(verify_code: int) -> str:
    if verify_code in _AUTHORITY_UNKNOWN:
        return " Name its authority with --ca."
    if verify_code in _NAMED_OTHERWISE:
        return " Connect to a name that it holds, or make one that holds this name."
    return ""


def _server_context(place: TlsPlace) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(place.certificate_file, place.key_file)
    except (OSError, ssl.SSLError) as error:
        problem = (
            f"dispatcher.tls_certificate_file {place.certificate_file} and "
            f"dispatcher.tls_key_file {place.key_file} cannot be used: {_why(error)}."
        )
        raise ConfigRefused([problem]) from error
    if place.client_ca_file:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(place.client_ca_file)
        except (OSError, ssl.SSLError) as error:
            problem = (
                f"dispatcher.tls_client_ca_file {place.client_ca_file} cannot be used: "
                f"{_why(error)}."
            )
            raise ConfigRefused([problem]) from error
    return context


def _client_context(target: TlsTarget) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=target.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if target.certificate_file:
            context.load_cert_chain(target.certificate_file, target.key_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConnectionLost(f"A TLS file of this worker cannot be used: {_why(error)}.") from error
    return context


def _bound(place: TlsPlace) -> socket.socket:
    try:
        listening = socket.create_server(
            (place.host, place.port),
            family=socket.AF_INET6 if ":" in place.host else socket.AF_INET,
            backlog=backlog,
        )
    except OSError as error:
        problem = f"dispatcher.tls_listen {place.host}:{place.port} cannot be used: {_why(error)}."
        raise ConfigRefused([problem]) from error
    listening.setblocking(False)
    return listening


def _tune(plug: socket.socket) -> None:
    """Let nothing wait to be sent, and end the connection when the other machine is away."""
    # asyncio does so only for sockets that name their protocol, which accepted ones do not.
    plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", silent_seconds_max // 2),
        ("TCP_KEEPINTVL", silent_seconds_max // 4),
        ("TCP_KEEPCNT", 2),
        ("TCP_USER_TIMEOUT", silent_seconds_max * 1000),
    ):
        # Not every system has each of them.
        if hasattr(socket, name):
            plug.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _why(error: OSError) -> str:
    return error.strerror or str(error)
