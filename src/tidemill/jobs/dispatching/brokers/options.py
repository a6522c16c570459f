"""How workers are reached through a broker."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.config import Config
from tidemill.jobs.dispatching.brokers.conversation import Pace

packets_spare: Final = 64
"""What a worker may be told besides its jobs, each of which can keep a packet open."""
status_packets_max: Final = 256


class BrokerOptions(Struct, frozen=True, kw_only=True):
    """The names of the two families of queues, and the pace of conversations.

    Workers write to `status_queue`; each reads a queue of its own, whose name begins with
    `task_queue`. With `worker_tokens` a worker is let in with a token only.
    """

    task_queue: str = "tasks"
    status_queue: str = "status_updates"
    worker_tokens: bool = False
    pace: Pace = Pace()


def broker_options(config: Config) -> BrokerOptions:
    """Return what `config` says of the broker of jobs."""
    queue = config.message_queue
    return BrokerOptions(
        task_queue=queue.task_queue,
        status_queue=queue.status_queue,
        worker_tokens=queue.worker_tokens,
    )
