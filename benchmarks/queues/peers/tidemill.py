"""Tidemill as a library, on the database of TIDEMILL_DATABASE_URL."""

import os
import sys

import tidemill
from benchmarks.queues.peers import mark

GUARANTEE = "at least once, fenced; state, result and time durable, fsync per commit"
URL = os.environ["TIDEMILL_DATABASE_URL"]
SERVER = "postgres" if URL.startswith("postgres") else ""
WORKER = [sys.executable, "-m", "tidemill.library.worker_process", "--app", __name__]
app = tidemill.Tidemill(URL, state=os.environ["DATA_DIR"] + "/tm")


@tidemill.job
async def noop() -> None:
    """Leave a mark."""
    mark.noop()


async def setup() -> None:
    """Open the queue, and empty it."""
    queue = await app.open()
    for table in ("jobs", "job_history"):
        delete = f"DELETE FROM {table} WHERE tenant_id = :tenant_id"
        await queue.store.jobs.write(app.tenant, lambda tx, sql=delete: tx.execute(sql))


async def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        await noop.enqueue()


async def bulk(count: int) -> None:
    """Enqueue many at once."""
    for start in range(0, count, 1000):
        await noop.enqueue_many([()] * min(1000, count - start))


async def stored() -> int:
    """Return how many have ended by the books."""
    queue = await app.open()
    rows = await queue.store.jobs.read(app.tenant, lambda tx: tx.all(_COUNT))
    return int(rows[0][0])


_COUNT = "SELECT COUNT(*) FROM job_history WHERE tenant_id = :tenant_id AND state = 'succeeded'"
