"""Procrastinate on PostgreSQL, 20 jobs at once."""

import os
import sys

import procrastinate

from benchmarks.queues.peers import mark

GUARANTEE = "state durable, no result; rescue is the user's task"
SERVER = "postgres"
WORKER = [sys.executable, "-c", f"import {__name__} as peer; peer.serve()"]
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["PG_DSN"], max_size=20)
)


@app.task
async def noop() -> None:
    """Leave a mark."""
    mark.noop()


async def setup() -> None:
    """Make the tables."""
    await app.open_async()
    if not await app.check_connection_async():
        await app.schema_manager.apply_schema_async()
    await app.connector.execute_query_async(
        "TRUNCATE procrastinate_jobs, procrastinate_events, procrastinate_workers CASCADE"
    )


async def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        await noop.defer_async()


async def bulk(count: int) -> None:
    """Enqueue many at once."""
    for _ in range(0, count, 1000):
        await noop.batch_defer_async(*[{}] * 1000)


async def stored() -> int:
    """Return how many have ended by the books."""
    row = await app.connector.execute_query_one_async(
        "SELECT COUNT(*) AS n FROM procrastinate_jobs WHERE status = 'succeeded'"
    )
    return int(row["n"])


def serve() -> None:
    """Run the worker."""
    app.run_worker(concurrency=20)
