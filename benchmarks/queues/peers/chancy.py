"""Chancy on PostgreSQL, 100 asynchronous jobs at once."""

import asyncio
import logging
import os
import sys

from chancy import Chancy, Queue, Worker, job

from benchmarks.queues.peers import mark

GUARANTEE = "at least once; state durable, no result"
SERVER = "postgres"
WORKER = [sys.executable, "-c", f"import {__name__} as peer; peer.serve()"]
quiet = logging.getLogger("quiet")
quiet.setLevel(logging.WARNING)
app = Chancy(os.environ["PG_DSN"], log=quiet)


@job()
async def noop() -> None:
    """Leave a mark."""
    mark.noop()


async def setup() -> None:
    """Make the tables."""
    await app.__aenter__()
    await app.migrate()
    executor = Chancy.Executor.Async
    queue = Queue("default", concurrency=100, executor=executor, polling_interval=1,
                  eager_polling=True)  # fmt: skip
    await app.declare(queue, upsert=True)
    async with app.pool.connection() as base:
        await base.execute("TRUNCATE chancy_jobs")


async def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        await app.push(noop)


async def bulk(count: int) -> None:
    """Enqueue many at once."""
    for _ in range(0, count, 1000):
        async for _pushed in app.push_many([noop] * 1000):
            pass


async def stored() -> int:
    """Return how many have ended by the books."""
    sql = "SELECT COUNT(*) FROM chancy_jobs WHERE state = 'succeeded'"
    async with app.pool.connection() as base:
        row = await (await base.execute(sql)).fetchone()
    return int(row[0])


async def work() -> None:
    """Run jobs."""
    async with Chancy(os.environ["PG_DSN"], log=quiet) as own, Worker(own) as worker:
        await worker.wait_for_shutdown()


def serve() -> None:
    """Run the worker."""
    asyncio.run(work())
