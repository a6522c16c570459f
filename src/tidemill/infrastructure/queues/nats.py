"""Queues at NATS JetStream: work-queue streams, and a pull consumer for each queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Final

import msgspec
import nats.errors
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.client import JetStreamContext
from nats.js.errors import BadRequestError, NotFoundError

from tidemill.infrastructure.brokers.nats import connect
from tidemill.infrastructure.brokers.tls import BrokerTls
from tidemill.infrastructure.queues.supervised import (
    Consumer,
    Outgoing,
    SupervisedQueues,
    unread_seconds_max,
)

ack_seconds_max: Final = 6.0
"""After so long a packet that nobody works on comes again."""
pull_seconds: Final = 10.0
pull_packets_max: Final = 256
age_seconds_max: Final = 3600
"""What nobody has taken by then is told anew; until then arguments and job tokens lie there."""
duplicate_window_seconds: Final = 120
pending_bytes_max: Final = 256 * 1024 * 1024
_ACK: Final = b"+ACK"
_WORKING: Final = b"+WPI"
_ENDED: Final = frozenset({"404", "408", "409"})


class _Reading(Struct):
    """A queue that is read, and how many packets of the last request may still come."""

    consumer: Consumer
    name: str
    subscription: Subscription | None = None
    wanted: int = 0
    renewing: asyncio.TimerHandle | None = None


class NatsQueues(SupervisedQueues):
    """A stream for each of the two families of queues: `tasks` has `tasks` and `tasks.>`."""

    name: ClassVar[str] = "nats"
    driver_errors: ClassVar[tuple[type[BaseException], ...]] = (nats.errors.Error, OSError)

    def __init__(self, url: str, families: Sequence[str], *, tls: BrokerTls | None = None) -> None:
        super().__init__()
        self._url = url
        self._tls = tls or BrokerTls()
        self._families = tuple(families)
        self._client: Client | None = None
        self._context: JetStreamContext | None = None
        self._reading: dict[str, _Reading] = {}

    async def _open(self, generation: int) -> None:
        async def closed() -> None:
            self._break(generation, "closed by the server")

        client = await connect(self._url, self._tls, closed=closed, failed=_ignore)
        self._client = client
        self._context = client.jetstream()
        for family in self._families:
            await self._ensure_stream(self._context, family)

    async def _ensure_stream(self, context: JetStreamContext, family: str) -> None:
        config = StreamConfig(
            name=stream_of(family),
            subjects=[family, f"{family}.>"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            max_age=age_seconds_max,
            duplicate_window=duplicate_window_seconds,
        )
        try:
            await context.add_stream(config)
        except BadRequestError:
            # It exists with limits that an operator has changed; theirs hold.
            await context.stream_info(stream_of(family))

    async def _begin(self, consumer: Consumer, generation: int) -> None:
        client, context = self._there()
        # No family has a dot in its name.
        family = consumer.queue.partition(".")[0]
        config = ConsumerConfig(
            durable_name=consumer.queue.replace(".", "_"),
            filter_subject=consumer.queue,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_seconds_max,
            max_ack_pending=consumer.window,
            inactive_threshold=None if consumer.lasting else unread_seconds_max,
            num_replicas=1,
        )
        info = await context.add_consumer(stream_of(family), config)
        inbox = client.new_inbox()
        reading = _Reading(consumer, f"{stream_of(family)}.{info.name}")
        reading.subscription = await client.subscribe(
            inbox, cb=self._taker(reading, inbox, generation), pending_bytes_limit=pending_bytes_max
        )
        self._reading[consumer.queue] = reading
        await self._pull(reading, inbox)

    def _taker(
        self, reading: _Reading, inbox: str, generation: int
    ) -> Callable[[Msg], Awaitable[None]]:
        async def take(message: Msg) -> None:
            status = (message.headers or {}).get("Status") if not message.data else None
            if status is None:
                reading.wanted -= 1
                reading.consumer.take(_Delivery(self, generation, message))
            elif status in _ENDED:
                if "Consumer Deleted" in (message.headers or {}).get("Description", ""):
                    self._break(generation, "its consumer was deleted")
                    return
                reading.wanted = 0
            if reading.wanted <= 0:
                await self._pull(reading, inbox)

        return take

    async def _pull(self, reading: _Reading, inbox: str) -> None:
        client, _ = self._there()
        reading.wanted = min(reading.consumer.window, pull_packets_max)
        if reading.renewing is not None:
            reading.renewing.cancel()
        # A server that has lost the consumer says nothing at all.
        generation = self._generation
        reading.renewing = asyncio.get_running_loop().call_later(
            pull_seconds * 2, self._break, generation, "no answer from the stream"
        )
        request = {"batch": reading.wanted, "expires": int(pull_seconds * 1_000_000_000)}
        await client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{reading.name}", msgspec.json.encode(request), reply=inbox
        )

    async def _end(self, queue: str, *, delete: bool) -> None:
        _, context = self._there()
        reading = self._reading.pop(queue)
        _stop_renewing(reading)
        if reading.subscription is not None:
            await reading.subscription.unsubscribe()
        if delete:
            stream, _, name = reading.name.partition(".")
            with contextlib.suppress(NotFoundError):
                await context.purge_stream(stream, subject=queue)
                await context.delete_consumer(stream, name)

    async def _publish(self, window: Sequence[Outgoing]) -> None:
        _, context = self._there()
        # The requests leave in this order; only their confirmations are awaited together.
        await asyncio.gather(
            *(
                context.publish(
                    packet.queue, packet.payload, headers={"Nats-Msg-Id": packet.packet_id}
                )
                for packet in window
            )
        )

    def answer(self, generation: int, message: Msg, word: bytes) -> None:
        """Tell the server what became of a message of the connection `generation`."""
        client = self._client
        if generation != self._generation or client is None or not client.is_connected:
            return
        task = asyncio.ensure_future(client.publish(message.reply, word))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _close(self) -> None:
        client, self._client, self._context = self._client, None, None
        for reading in self._reading.values():
            _stop_renewing(reading)
        self._reading.clear()
        if client is not None and not client.is_closed:
            await client.flush(1)
            await client.close()

    def _there(self) -> tuple[Client, JetStreamContext]:
        if self._client is None or self._context is None:
            raise nats.errors.ConnectionClosedError
        return self._client, self._context


class _Delivery:
    def __init__(self, queues: NatsQueues, generation: int, message: Msg) -> None:
        self.payload: bytes = message.data
        self._queues = queues
        self._generation = generation
        self._message = message

    def done(self) -> None:
        """Let the server forget it, unless its connection is gone: then it comes again."""
        self._queues.answer(self._generation, self._message, _ACK)

    def keep(self) -> None:
        """Ask for more time."""
        self._queues.answer(self._generation, self._message, _WORKING)


def stream_of(family: str) -> str:
    """Return the name of the stream with the queues of `family`."""
    return family.replace(".", "_")


def _stop_renewing(reading: _Reading) -> None:
    if reading.renewing is not None:
        reading.renewing.cancel()


async def _ignore(error: Exception) -> Any:
    """Leave it to `closed_cb`: what breaks a connection closes it."""
    del error
