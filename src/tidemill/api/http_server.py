"""Runs an ASGI application under uvicorn, on a TCP address and on the data directory's socket."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from litestar.types import ASGIApp

from tidemill.api.http_protocol import HttpProtocol
from tidemill.api.websocket_protocol import WebSocketProtocol
from tidemill.core.config import ConfigRefused


class HttpServer(uvicorn.Server):
    """A uvicorn server whose process handles the signals; `ready` is set when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server.startup`."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: the process closes live streams before the server waits."""
        yield

    def end(self) -> None:
        """Begin to stop: take no more connections, finish what is being answered."""
        self.should_exit = True


def http_server(app: ASGIApp, *, stop_seconds_max: int) -> HttpServer:
    """Return the server of `app`, not yet serving."""
    return HttpServer(
        uvicorn.Config(
            app=app,
            loop="none",
            http=HttpProtocol,
            ws=WebSocketProtocol,
            ws_max_size=1 << 20,
            ws_per_message_deflate=False,
            ws_ping_interval=20.0,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # Who asks is decided in one place, by `server.trusted_proxies`.
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=stop_seconds_max,
        )
    )


def listen_on(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket. Raises `ConfigRefused` when the address is not free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigRefused([_why_not(host, port, error)]) from error
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def listen_in(directory: Path) -> socket.socket:
    """Return a listening socket in `directory`, which only its owner can enter.

    Raises `ConfigRefused` when no socket can be there.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    path = directory / "api.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise ConfigRefused(
            [f"{path} cannot be listened on: {error}. See server.data_dir."]
        ) from error
    path.chmod(0o600)
    listener.listen(64)
    listener.setblocking(False)
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use. Choose another: --port, or server.port."
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"{host}:{port} cannot be listened on ({reason}). See server.host and server.port."
