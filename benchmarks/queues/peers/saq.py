"""SAQ on Redis, 100 jobs at once."""

import asyncio
import os
import sys
from typing import Any

from saq import Queue, Worker

from benchmarks.queues.peers import mark

GUARANTEE = "at least once; result in the memory of Redis"
SERVER = "redis-server"
WORKER = [sys.executable, "-c", f"import {__name__} as peer; peer.serve()"]
queue = Queue.from_url(os.environ["REDIS_URL"])
_sent = 0


async def noop(_ctx: Any) -> int:
    """Leave a mark."""
    mark.noop()
    return 1


async def setup() -> None:
    """Empty the queue."""
    await queue.connect()
    await queue.redis.flushdb()


async def one(count: int) -> None:
    """Enqueue one by one."""
    global _sent
    for _ in range(count):
        await queue.enqueue("noop", ttl=3600)
    _sent += count


async def bulk(count: int) -> None:
    """Enqueue with 100 callers; there is no call for many."""
    global _sent
    for _ in range(0, count, 100):
        await asyncio.gather(*(queue.enqueue("noop", ttl=3600) for _ in range(100)))
    _sent += count


async def stored() -> int:
    """Return how many have ended."""
    return _sent - int(await queue.count("incomplete"))


async def work() -> None:
    """Run jobs."""
    await queue.connect()
    await Worker(queue, [noop], concurrency=100).start()


def serve() -> None:
    """Run the worker."""
    asyncio.run(work())
