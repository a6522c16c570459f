"""Oban on PostgreSQL, 100 asynchronous jobs at once."""

import asyncio
import os
import sys
from typing import Any

import oban
from oban import Oban
from oban.schema import install

from benchmarks.queues.peers import mark

GUARANTEE = "at least once, fenced; state durable, no result"
SERVER = "postgres"
WORKER = [sys.executable, "-c", f"import {__name__} as peer; peer.serve()"]
_client: list[Oban] = []
_pools: list[Any] = []


@oban.worker(queue="default")
class Noop:
    """A job that does nothing."""

    async def process(self, job: Any) -> None:
        """Leave a mark."""
        del job
        mark.noop()


async def setup() -> None:
    """Make the tables."""
    pool = await Oban.create_pool(os.environ["PG_DSN"])
    _pools.append(pool)
    async with pool.connection() as base:
        found = await (await base.execute("SELECT to_regclass('oban_jobs')")).fetchone()
    if found[0] is None:
        await install(pool)
    async with pool.connection() as base:
        await base.execute("TRUNCATE oban_jobs, oban_leaders, oban_producers")
    client = Oban(pool=pool)
    await client.start()
    _client.append(client)


async def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        await Noop.enqueue()


async def bulk(count: int) -> None:
    """Enqueue many at once."""
    for _ in range(0, count, 1000):
        await _client[0].enqueue_many(*(Noop.new() for _ in range(1000)))


async def stored() -> int:
    """Return how many have ended by the books."""
    sql = "SELECT COUNT(*) FROM oban_jobs WHERE state = 'completed'"
    async with _pools[0].connection() as base:
        row = await (await base.execute(sql)).fetchone()
    return int(row[0])


async def work() -> None:
    """Run jobs."""
    pool = await Oban.create_pool(os.environ["PG_DSN"])
    async with Oban(pool=pool, queues={"default": 100}):
        await asyncio.Event().wait()


def serve() -> None:
    """Run the worker."""
    asyncio.run(work())
