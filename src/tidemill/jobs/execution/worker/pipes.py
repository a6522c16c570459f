"""The pipes of a job, read when there is something in them: one that stays silent costs no task."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final

_READ_BYTES_MAX: Final = 32 * 1024
_READS_AT_ONCE: Final = 4
"""After so many others get their turn: a job that prints without end keeps its pipe full."""

Take = Callable[[bytes], Awaitable[None] | None]
"""Takes a piece of output; what it returns is awaited before the next piece is read."""


def _nothing() -> None:
    return None


class Pipe:
    """Reads `descriptor` to its end, and hands each piece to `take`; at its end it calls `at_end`.

    While what they return is awaited the pipe is not read, so that it fills and its writer waits.
    """

    def __init__(
        self,
        descriptor: int,
        take: Take,
        at_end: Callable[[], Awaitable[None] | None] = _nothing,
        *,
        listens: bool = True,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._take = take
        self._at_end = at_end
        self._is_listening = False
        self._waiting: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        if listens:
            self.listen()

    def listen(self) -> None:
        """Read whenever there is something in it."""
        if not self._is_listening and not self._ended.done():
            self._is_listening = True
            self._loop.add_reader(self._descriptor, self._readable)

    async def read(self) -> None:
        """Return when all of it was taken; raises what a taker raised."""
        if self._waiting is None and not self._ended.done():
            self.listen()
            self._readable()  # The end is most often there by now: no need to wait for the loop.
        if not self._ended.done():
            await asyncio.shield(self._ended)
        self._ended.result()

    async def rest(self) -> None:
        """Return when all that is in it now was taken; raises what a taker raised.

        For a pipe whose writers stay, and have fallen silent.
        """
        while not self._ended.done():
            self._deafen()
            if self._waiting is not None:
                await asyncio.wait([self._waiting])
                continue
            try:
                data = os.read(self._descriptor, _READ_BYTES_MAX)
            except BlockingIOError:
                data = b""
            waiting = self._take(data) if data else self._at_end()
            if waiting is not None:
                await waiting
            if not data:
                self._end(None)
        self._ended.result()

    def stop(self) -> None:
        """Read no more. The descriptor is the caller's to close."""
        self._deafen()
        if self._waiting is not None:
            self._waiting.cancel()
        if not self._ended.cancel() and not self._ended.cancelled():
            self._ended.exception()  # Takes note of what nobody will ask for any more.

    def _deafen(self) -> None:
        if self._is_listening:
            self._is_listening = False
            self._loop.remove_reader(self._descriptor)

    def _readable(self) -> None:
        try:
            for _ in range(_READS_AT_ONCE):
                data = os.read(self._descriptor, _READ_BYTES_MAX)
                waiting = self._take(data) if data else self._at_end()
                if waiting is not None:
                    self._deafen()
                    self._waiting = self._loop.create_task(self._wait(waiting, is_end=not data))
                    return
                if not data:
                    self._end(None)
                    return
        except BlockingIOError:
            return
        except Exception as error:  # noqa: BLE001 - whoever waits for the end hears of it
            self._end(error)

    async def _wait(self, waiting: Awaitable[None], *, is_end: bool) -> None:
        try:
            await waiting
        except Exception as error:  # noqa: BLE001 - whoever waits for the end hears of it
            self._end(error)
            return
        self._waiting = None
        if is_end:
            self._end(None)
        else:
            self.listen()

    def _end(self, error: Exception | None) -> None:
        self._deafen()
        if self._ended.done():
            return
        if error is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(error)
