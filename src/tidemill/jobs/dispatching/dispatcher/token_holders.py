"""Workers that have shown a worker token, over whatever way, and the end of their rights."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import structlog

from tidemill.core.errors import TidemillError
from tidemill.core.ports import Change, Invalidations
from tidemill.identity import CHANGED_WORKER_TOKEN, WorkerTokens
from tidemill.jobs.dispatching.dispatcher.admission import Rights, by_token
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Hello, Refused

check_seconds: Final = 10.0

log = structlog.get_logger(__name__)


class TokenHolders:
    """A service: admits workers by their tokens, and sends away those whose token has ended."""

    def __init__(
        self, tokens: Callable[[], WorkerTokens | None], invalidations: Invalidations
    ) -> None:
        self._tokens = tokens
        self._admit = by_token(tokens)
        self._token_of: dict[DispatcherConnection, str] = {}
        self._changes = 0
        self._look = asyncio.Event()
        self._checking: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        invalidations.on_change(CHANGED_WORKER_TOKEN, self._changed)
        invalidations.on_reset(self._look.set)

    async def start(self) -> None:
        """Begin to look which tokens have ended."""
        self._checking = asyncio.create_task(self._check_tokens(), name="worker tokens")

    async def stop(self) -> None:
        """Look no more."""
        if self._checking is not None:
            self._checking.cancel()
            with suppress(asyncio.CancelledError):
                await self._checking
            self._checking = None

    async def admit(self, connection: DispatcherConnection, hello: Hello) -> tuple[Hello, Rights]:
        """Return the greeting under the worker's name here, and its rights; raises `NotAdmitted`.

        `left` must follow.
        """
        while True:
            changes = self._changes
            named, rights = await self._admit(hello)
            # A token that ended while it was looked at is looked at again.
            if changes == self._changes:
                break
        if rights.token_id is not None:
            self._token_of[connection] = rights.token_id
        return named, rights

    def left(self, connection: DispatcherConnection) -> None:
        """Forget a connection that is over."""
        self._token_of.pop(connection, None)

    def _changed(self, change: Change) -> None:
        self._changes += 1
        self._send_away({change.key})

    async def _check_tokens(self) -> None:
        """Look now and then which tokens have expired, or were revoked without our hearing it."""
        while True:
            self._look.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(check_seconds):
                    await self._look.wait()
            held, tokens = set(self._token_of.values()), self._tokens()
            if not held or tokens is None:
                continue
            try:
                valid = await tokens.still_valid(held)
            except TidemillError as error:
                log.warning("workers.tokens.not_checked", reason=error.message)
            except Exception:
                # Without any further look, tokens that expire would count for ever.
                log.exception("workers.tokens.check_broke")
            else:
                self._send_away(held - valid)

    def _send_away(self, ended: Collection[str]) -> None:
        for connection, token_id in tuple(self._token_of.items()):
            if token_id in ended:
                log.warning("workers.token_ended", peer=connection.peer)
                connection.sent_away = True
                task = asyncio.ensure_future(_end(connection))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)


async def _end(connection: DispatcherConnection) -> None:
    with suppress(ConnectionLost):
        connection.send_soon(Refused(reason="The worker's token has ended. Give it another one."))
    await connection.close()
