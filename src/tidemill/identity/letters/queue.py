"""Sends mail beside the requests: nobody learns from the time of an answer who has an account."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from tidemill.core.errors import TidemillError
from tidemill.core.ports import Mail, Mailer

log = structlog.get_logger(__name__)

_letters_max: Final = 1_000
_attempts_max: Final = 3
_pause_seconds: Final = 5.0
_stop_seconds_max: Final = 3.0


class Letters:
    """A queue in front of the mailer; a `Service`."""

    def __init__(self, mailer: Mailer, *, pause_seconds: float = _pause_seconds) -> None:
        self._mailer = mailer
        self._pause_seconds = pause_seconds
        self._queue: asyncio.Queue[Mail] = asyncio.Queue(_letters_max)
        self._task: asyncio.Task[None] | None = None

    def send(self, mail: Mail) -> None:
        """Queue a letter; when a thousand wait already it is dropped, and the log says so."""
        try:
            self._queue.put_nowait(mail)
        except asyncio.QueueFull:
            log.warning("identity.letters.dropped", subject=mail.subject)

    async def drain(self) -> None:
        """Return when every letter was handed on or given up."""
        await self._queue.join()

    async def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._send_for_ever(), name="identity.letters")

    async def stop(self) -> None:
        """Send what is left, for a few seconds, and end."""
        if self._task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_stop_seconds_max):
                await self._queue.join()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _send_for_ever(self) -> None:
        while True:
            mail = await self._queue.get()
            try:
                await self._send(mail)
            finally:
                self._queue.task_done()

    async def _send(self, mail: Mail) -> None:
        for attempt in range(1, _attempts_max + 1):
            try:
                await self._mailer.send(mail)
            except TidemillError as error:
                log.warning("identity.letters.not_sent", attempt=attempt, reason=error.code)
                if attempt < _attempts_max:
                    await asyncio.sleep(self._pause_seconds * attempt)
            except Exception:
                log.exception("identity.letters.failed")
                return
            else:
                return
