"""PgQueuer on PostgreSQL, batches of 100."""

import asyncio
import os
import sys
from datetime import timedelta

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.queries import Queries

from benchmarks.queues.peers import mark

GUARANTEE = "at least once; a line in a status log, which is buffered; no result"
SERVER = "postgres"
WORKER = [sys.executable, "-c", f"import {__name__} as peer; peer.serve()"]
DSN = os.environ["PG_DSN"]


async def setup() -> None:
    """Make the tables."""
    global base, queries
    base = await asyncpg.connect(DSN)
    queries = Queries(AsyncpgDriver(base))
    if not await base.fetchval("SELECT to_regclass('pgqueuer')"):
        await queries.install()
    await base.execute("TRUNCATE pgqueuer, pgqueuer_log, pgqueuer_statistics")


async def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        await queries.enqueue("noop", None)


async def bulk(count: int) -> None:
    """Enqueue many at once."""
    for _ in range(0, count, 1000):
        await queries.enqueue(["noop"] * 1000, [None] * 1000, [0] * 1000)


async def stored() -> int:
    """Return how many have ended by the books."""
    sql = "SELECT COUNT(*) FROM pgqueuer_log WHERE status = 'successful'"
    return int(await base.fetchval(sql))


async def work() -> None:
    """Run jobs."""
    pool = await asyncpg.create_pool(DSN, min_size=4, max_size=10)
    queue = PgQueuer(AsyncpgPoolDriver(pool))

    @queue.entrypoint("noop")
    async def noop(_job: object) -> None:
        mark.noop()

    await queue.run(dequeue_timeout=timedelta(seconds=30), batch_size=100)


def serve() -> None:
    """Run the worker."""
    asyncio.run(work())
