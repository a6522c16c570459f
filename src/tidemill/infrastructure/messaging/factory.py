"""Which bus an address means."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from tidemill.core.errors import InvalidInput
from tidemill.core.ports import EventBus
from tidemill.infrastructure.brokers.tls import BrokerTls
from tidemill.infrastructure.messaging.memory import InProcessBus


class BusOptions(Struct, frozen=True, kw_only=True):
    """Where the bus is: `memory`, `nats://…`, `amqp://…`, `postgres://…` or `unix://DIRECTORY`."""

    url: str = "memory"
    prefix: str = "tidemill"
    tls: BrokerTls = BrokerTls()


class UnknownBus(InvalidInput):
    """The address names no kind of bus that exists."""

    code = "UNKNOWN_BUS"

    def __init__(self, scheme: str) -> None:
        super().__init__(
            f"{scheme!r} is no event bus. Use memory, nats://, tls://, amqp://, amqps://, "
            "postgres:// or unix://.",
        )


def open_bus(options: BusOptions) -> EventBus:
    """Return the bus that `options.url` means, not yet started. Raises `UnknownBus`."""
    # A driver is loaded only where it is used: together they cost 0.2 s and 10 MB at each start.
    scheme = options.url.partition(":")[0]
    if scheme in {"memory", ""}:
        return InProcessBus()
    if scheme in {"nats", "tls", "ws", "wss"}:
        from tidemill.infrastructure.messaging.nats import NatsBus  # noqa: PLC0415 - as above

        return NatsBus(options.url, prefix=options.prefix, tls=options.tls)
    if scheme in {"amqp", "amqps"}:
        from tidemill.infrastructure.messaging.amqp import AmqpBus  # noqa: PLC0415 - as above

        return AmqpBus(options.url, prefix=options.prefix, tls=options.tls)
    if scheme in {"postgres", "postgresql"}:
        from tidemill.infrastructure.messaging.postgres import PostgresBus  # noqa: PLC0415 - as above

        return PostgresBus(options.url, prefix=options.prefix)
    if scheme == "unix":
        from tidemill.infrastructure.messaging.sockets import SocketBus  # noqa: PLC0415 - as above

        return SocketBus(Path(options.url.removeprefix("unix://")))
    raise UnknownBus(scheme)
