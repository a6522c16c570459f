"""arq on Redis, 100 jobs at once, a poll each 50 ms (its default is 500)."""

import asyncio
import os
import sys
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings

from benchmarks.queues.peers import mark

GUARANTEE = "at least once; result in the memory of Redis"
SETTINGS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
SERVER = "redis-server"
WORKER = [sys.executable, "-c",
          f"import arq, {__name__} as peer; arq.run_worker(peer.Jobs)"]  # fmt: skip


async def noop(_ctx: Any) -> int:
    """Leave a mark."""
    mark.noop()
    return 1


class Jobs:
    """The worker's settings."""

    functions = (noop,)
    redis_settings = SETTINGS
    max_jobs = 100
    poll_delay = 0.05


async def setup() -> None:
    """Empty the queue."""
    global pool
    pool = await create_pool(SETTINGS)
    await pool.flushdb()


async def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        await pool.enqueue_job("noop")


async def bulk(count: int) -> None:
    """Enqueue with 100 callers; there is no call for many."""
    for _ in range(0, count, 100):
        await asyncio.gather(*(pool.enqueue_job("noop") for _ in range(100)))


async def stored() -> int:
    """Return how many results there are."""
    count = 0
    async for _ in pool.scan_iter("arq:result:*", count=2000):
        count += 1
    return count
