"""Asks the dispatcher for the tokens of jobs whose assignments bring none."""

from __future__ import annotations

import asyncio
from typing import Final

from tidemill.jobs.execution.worker.output import Connected
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Held, Token, TokenWanted

token_seconds_max: Final = 10.0


class NoToken(Exception):
    """The dispatcher gave no token in time."""


class TokenRequests:
    """Tokens that were asked for and are not there yet."""

    def __init__(self, connected: Connected) -> None:
        self._connected = connected
        self._waiting: dict[Held, set[asyncio.Future[str]]] = {}

    async def ask(self, held: Held) -> str:
        """Return the token of a job; empty when it has none. Raises `NoToken`."""
        # One for each who asks: who gives up takes nothing from the others.
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asking = self._waiting.setdefault(held, set())
        asking.add(waiting)
        try:
            async with asyncio.timeout(token_seconds_max):
                connection = await self._connected()
                await connection.send(TokenWanted(job_id=held.job_id, epoch=held.epoch))
                return await waiting
        except (ConnectionLost, TimeoutError):
            raise NoToken("The dispatcher did not answer; try again.") from None
        finally:
            asking.discard(waiting)
            if not asking:
                self._waiting.pop(held, None)

    def take(self, told: Token) -> None:
        """Hand a token to all who wait for it."""
        for waiting in self._waiting.get(Held(told.job_id, told.epoch), ()):
            if not waiting.done():
                waiting.set_result(told.token)
