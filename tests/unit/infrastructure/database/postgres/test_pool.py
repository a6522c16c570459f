"""The connection that is kept at hand beside the driver's pool."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.pool import Pool

pytestmark = pytest.mark.anyio


class _Connection:
    closed = False

    def is_closed(self) -> bool:
        return self.closed


class _DriversPool:
    """A pool of one connection that counts how often it lends it."""

    def __init__(self) -> None:
        self.lent = 0
        self.closed = False
        self._free = asyncio.Semaphore(1)

    async def acquire(self, *, timeout: float) -> Any:  # noqa: ASYNC109 - as the driver has it
        del timeout
        await self._free.acquire()
        self.lent += 1
        return _Connection()

    async def release(self, connection: Any, *, timeout: float) -> None:  # noqa: ASYNC109 - as above
        del connection, timeout
        self._free.release()

    async def close(self) -> None:
        async with asyncio.timeout(60):
            await self._free.acquire()
        self.closed = True

    def get_size(self) -> int:
        return 1

    def get_idle_size(self) -> int:
        return int(not self._free.locked())


def a_pool(directory: Path) -> tuple[Pool, _DriversPool]:
    drivers = _DriversPool()
    return Pool(drivers, DatabaseOptions(data_dir=directory)), drivers


async def test_connection_lends_the_last_one_again(tmp_path: Path) -> None:
    pool, drivers = a_pool(tmp_path)

    async with pool.connection() as first:
        pass
    async with pool.connection() as second:
        pass

    assert second is first
    assert drivers.lent == 1
    assert pool.sizes() == (1, 1)


async def test_connection_leaves_it_to_who_waits(tmp_path: Path) -> None:
    pool, drivers = a_pool(tmp_path)

    async def wanting() -> None:
        async with pool.connection():
            pass

    async with pool.connection():
        waiting = asyncio.create_task(wanting())
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await waiting

    assert drivers.lent == 2


async def test_connection_keeps_none_that_failed_or_is_closed(tmp_path: Path) -> None:
    pool, drivers = a_pool(tmp_path)

    with pytest.raises(LookupError):
        async with pool.connection():
            raise LookupError("no")
    async with pool.connection() as kept:
        pass
    kept.closed = True
    async with pool.connection() as other:
        pass

    assert other is not kept
    assert drivers.lent == 3


async def test_close_gives_the_one_at_hand_back_first(tmp_path: Path) -> None:
    pool, drivers = a_pool(tmp_path)
    async with pool.connection():
        pass

    await pool.close()

    assert drivers.closed


async def test_connection_is_warm_only_shortly_after_it_was_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = a_pool(tmp_path)

    async with pool.connection() as new:
        first = pool.is_warm(new)
    async with pool.connection() as used:
        second = pool.is_warm(used)
    monkeypatch.setattr("tidemill.infrastructure.database.postgres.pool.warm_seconds", 0.0)
    async with pool.connection() as idle:
        third = pool.is_warm(idle)

    assert (first, second, third) == (False, True, False)
