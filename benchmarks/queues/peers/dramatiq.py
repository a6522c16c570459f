"""Dramatiq on DRAMATIQ_BROKER, 8 threads; results in RESULT_URL with Redis as broker."""

import os
import sys

import dramatiq

from benchmarks.queues.peers import mark

BROKER = os.environ["DRAMATIQ_BROKER"]
if BROKER.startswith("redis"):
    from dramatiq.brokers.redis import RedisBroker
    from dramatiq.results import Results
    from dramatiq.results.backends import RedisBackend

    GUARANTEE = "at least once; result in the memory of Redis"
    broker = RedisBroker(url=BROKER)
    backend = RedisBackend(url=os.environ["RESULT_URL"])
    broker.add_middleware(Results(backend=backend, store_results=True))

    def stored() -> int:
        """Return how many results there are."""
        return int(backend.client.dbsize())

else:
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    GUARANTEE = "at least once; durable queue with confirms, no result"
    broker = RabbitmqBroker(url=BROKER, confirm_delivery=True)
dramatiq.set_broker(broker)
SERVER = "redis-server" if BROKER.startswith("redis") else "beam.smp"
WORKER = [sys.executable, "-m", "dramatiq", __name__, "--processes", "1", "--threads", "8",
          "--skip-logging"]  # fmt: skip


@dramatiq.actor(max_retries=3)
def noop() -> int:
    """Leave a mark."""
    mark.noop()
    return 1


def setup() -> None:
    """Empty the queue."""
    broker.flush_all()
    if BROKER.startswith("redis"):
        backend.client.flushdb()


def one(count: int) -> None:
    """Enqueue one by one."""
    for _ in range(count):
        noop.send()


bulk = one
