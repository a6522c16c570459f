"""The API role: HTTP, WebSocket, SSE and, embedded, the dispatcher."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
import uvloop

from tidemill.api.application import Application, open_application
from tidemill.api.http_server import HttpServer, http_server, listen_in, listen_on
from tidemill.core.config import Config
from tidemill.core.crash import crash_point
from tidemill.runtime.collecting import spare_collections
from tidemill.runtime.configuration import with_kept_secrets
from tidemill.runtime.predecessor import await_predecessor
from tidemill.runtime.roles import say

log = structlog.get_logger(__name__)

_answers_share: Final = 3
"""A third of the time to stop is for answers under way; services and stores have the rest."""
link_seconds_min: Final = 5.0
"""How long after a link the next is printed at the earliest, however often one asks for it."""
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def run_directory(config: Config) -> Path:
    """Return the directory of sockets and per-start secrets, below the data directory."""
    return Path(config.server.data_dir) / "run"


async def serve(config: Config, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `tell` prints for the person who started it."""
    listener = listen_on(config.server.host, config.server.port)
    try:
        async with open_application(config) as application:
            local = listen_in(run_directory(config))
            await _serve(application, [listener, local], tell)
    finally:
        listener.close()


async def _serve(
    application: Application, listeners: list[socket.socket], tell: Callable[[str], None]
) -> None:
    spare_collections()
    config = application.config
    server = http_server(application.asgi, stop_seconds_max=answer_seconds_max(config))
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve(sockets=listeners))
    announcing = asyncio.create_task(_announce(application, server, tell))
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    announcing.cancel()
    waiting.cancel()
    # Open streams would keep the server waiting; they are told to come back first.
    await application.close_streams()
    server.end()
    await serving


def answer_seconds_max(config: Config) -> int:
    """Return how long answers under way may take once the process stops."""
    return max(1, config.server.stop_seconds_max // _answers_share)


async def _announce(
    application: Application, server: HttpServer, tell: Callable[[str], None]
) -> None:
    await server.ready.wait()
    crash_point("api_started")
    log.info("api.started", url=application.config.public_url)
    tell(f"Tidemill is at {application.config.public_url}")
    while not await _has_owner(application, tell):
        pass


async def _has_owner(application: Application, tell: Callable[[str], None]) -> bool:
    """Print the set-up link and wait until somebody looks for it, unless there is an owner."""
    minutes = application.config.auth.setup_ticket_minutes
    try:
        link = await application.owner_link()
        if link is None:
            return True
        tell(f"Make the first owner within {minutes} minutes: {link}")
        await asyncio.sleep(link_seconds_min)
        await application.owner_link_missed()
    except Exception as error:  # noqa: BLE001 - without the link nobody could begin: try again
        log.warning("api.setup_link_failed", error=str(error))
        await asyncio.sleep(link_seconds_min)
    return False


def run(config: Config) -> None:
    """Serve in this process until it is told to stop."""
    await_predecessor(Path(config.server.data_dir), say, seconds_max=config.server.stop_seconds_max)
    uvloop.run(serve(with_kept_secrets(config), say))
