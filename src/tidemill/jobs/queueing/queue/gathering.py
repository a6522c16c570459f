"""Gathers what arrives while a commit runs, so that all of it shares the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")

gathered_max: Final = 500


class Gathering(Generic[K, T, R]):
    """Hands everything that waits under a key to `commit` at once; no wait is added.

    `commit` returns one result or error for each thing, in order.
    """

    def __init__(
        self, commit: Callable[[K, Sequence[T]], Awaitable[Sequence[R | Exception]]]
    ) -> None:
        self._commit = commit
        self._waiting: dict[K, list[tuple[T, asyncio.Future[R]]]] = {}
        self._tasks: dict[K, asyncio.Task[None]] = {}

    async def add(self, key: K, thing: T) -> R:
        """Return the result of `thing` once its commit is durable."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append((thing, future))
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._drain(key))
        return await future

    async def _drain(self, key: K) -> None:
        while waiting := self._waiting.pop(key, None):
            batch, rest = waiting[:gathered_max], waiting[gathered_max:]
            if rest:
                self._waiting[key] = rest
            await self._run(key, batch)
        del self._tasks[key]

    async def _run(self, key: K, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._commit(key, [thing for thing, _ in batch])
        except BaseException as error:  # noqa: BLE001 - each caller gets it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
