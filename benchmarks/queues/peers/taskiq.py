"""Taskiq on Redis streams with results in Redis, 100 jobs at once."""

import asyncio
import os
import sys

from redis.asyncio import Redis
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from benchmarks.queues.peers import mark

GUARANTEE = "at least once; result in the memory of Redis"
broker = RedisStreamBroker(url=os.environ["REDIS_URL"]).with_result_backend(
    RedisAsyncResultBackend(redis_url=os.environ["RESULT_URL"], result_ex_time=3600)
)
SERVER = "redis-server"
WORKER = [sys.executable, "-m", "taskiq", "worker", f"{__name__}:broker", "--workers", "1",
          "--log-level", "WARNING", "--max-async-tasks", "100"]  # fmt: skip


@broker.task("noop")
async def noop() -> int:
    """Leave a mark."""
    mark.noop()
    return 1


async def setup() -> None:
    """Empty the queue."""
    global results
    results = Redis.from_url(os.environ["RESULT_URL"])
    await results.flushdb()
    await Redis.from_url(os.environ["REDIS_URL"]).flushdb()
    await broker.startup()


async def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        await noop.kiq()


async def bulk(count: int) -> None:
    """Enqueue with 100 callers; there is no call for many."""
    for _ in range(0, count, 100):
        await asyncio.gather(*(noop.kiq() for _ in range(100)))


async def stored() -> int:
    """Return how many results there are."""
    return int(await results.dbsize())
