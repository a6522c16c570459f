"""Celery on CELERY_BROKER, late acknowledgement; results in CELERY_RESULT, if that is set."""

import os
import sys

from celery import Celery

from benchmarks.queues.peers import mark

BROKER = os.environ["CELERY_BROKER"]
RESULT = os.environ.get("CELERY_RESULT")
GUARANTEE = "at least once; result in the memory of Redis" if RESULT else (
    "at least once; durable queue with confirms, no result"
)  # fmt: skip
app = Celery(__name__, broker=BROKER, backend=RESULT)
app.conf.update(
    task_ignore_result=RESULT is None,
    task_acks_late=True,
    worker_prefetch_multiplier=64,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True} if BROKER.startswith("amqp") else {},
)
SERVER = "redis-server" if BROKER.startswith("redis") else "beam.smp"
WORKER = [sys.executable, "-m", "celery", "-A", __name__, "worker", "-P", "prefork", "-c", "2",
          "--without-gossip", "--without-mingle", "--without-heartbeat",
          "-l", "WARNING"]  # fmt: skip


@app.task(name="noop")
def noop() -> int:
    """Leave a mark."""
    mark.noop()
    return 1


def setup() -> None:
    """Empty the queue."""
    app.control.purge()
    if RESULT:
        app.backend.client.flushdb()


def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        noop.delay()


def bulk(count: int) -> None:
    """Enqueue with one producer; there is no call for many."""
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            noop.apply_async(producer=producer)


if RESULT:

    def stored() -> int:
        """Return how many results there are."""
        return int(app.backend.client.dbsize())
