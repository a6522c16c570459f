"""Which broker carries jobs."""

from __future__ import annotations

from msgspec import Struct

from tidemill.core.errors import InvalidInput
from tidemill.core.queues import Queues
from tidemill.infrastructure.brokers.tls import BrokerTls


class QueueOptions(Struct, frozen=True, kw_only=True):
    """Where the broker is, `amqp://…` or `nats://…`, and how the two families are named."""

    url: str
    task_queue: str = "tasks"
    status_queue: str = "status_updates"
    tls: BrokerTls = BrokerTls()


class UnknownBroker(InvalidInput):
    """The address names no kind of broker that can carry jobs."""

    code = "UNKNOWN_BROKER"

    def __init__(self, scheme: str) -> None:
        super().__init__(
            f"{scheme!r} is no broker of jobs. Use amqp://, amqps://, nats:// or tls://."
        )


def open_queues(options: QueueOptions) -> Queues:
    """Return the way to the broker of `options.url`, not yet started. Raises `UnknownBroker`."""
    # A driver is loaded only where it is used.
    scheme = options.url.partition(":")[0]
    if scheme in {"nats", "tls"}:
        from tidemill.infrastructure.queues.nats import NatsQueues  # noqa: PLC0415 - as above

        return NatsQueues(options.url, (options.task_queue, options.status_queue), tls=options.tls)
    if scheme in {"amqp", "amqps"}:
        from tidemill.infrastructure.queues.amqp import AmqpQueues  # noqa: PLC0415 - as above

        return AmqpQueues(options.url, tls=options.tls)
    raise UnknownBroker(scheme)
