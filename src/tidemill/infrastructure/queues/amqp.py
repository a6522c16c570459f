"""Queues at RabbitMQ: quorum queues, confirmed publishing, and one active reader for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as DriverError

from tidemill.infrastructure.brokers.tls import BrokerTls, context_of
from tidemill.infrastructure.queues.supervised import (
    Consumer,
    Outgoing,
    SupervisedQueues,
    open_seconds_max,
    unread_seconds_max,
)

heartbeat_seconds: Final = 10
"""A reader that has stopped without a word is replaced after two of these."""
acknowledge_seconds_max: Final = 0.5
"""How long the last words may take on a connection that is to be closed, and may hang."""


class AmqpQueues(SupervisedQueues):
    """The default exchange routes by the name of the queue."""

    name: ClassVar[str] = "amqp"
    driver_errors: ClassVar[tuple[type[BaseException], ...]] = (
        AMQPError,
        DriverError,
        OSError,
        # Both libraries raise these for a channel that closed between two steps.
        RuntimeError,
    )

    def __init__(self, url: str, *, tls: BrokerTls | None = None) -> None:
        super().__init__()
        self._url = url
        self._tls = tls or BrokerTls()
        self._connection: AbstractConnection | None = None
        self._sending: AbstractChannel | None = None
        self._reading: dict[str, tuple[AbstractChannel, AbstractQueue, str]] = {}
        self._done: list[AbstractIncomingMessage] = []
        self._acknowledging: asyncio.Task[None] | None = None

    async def _open(self, generation: int) -> None:
        connection = await aio_pika.connect(
            self._url,
            timeout=open_seconds_max,
            ssl_context=context_of(self._url, self._tls),
            heartbeat=heartbeat_seconds,
        )
        self._connection = connection
        connection.close_callbacks.add(self._closed(generation))
        self._sending = await connection.channel(publisher_confirms=True)
        self._sending.close_callbacks.add(self._closed(generation))

    def _closed(self, generation: int) -> Any:
        def closed(*_: Any) -> None:
            self._break(generation, "closed by the server")

        return closed

    async def _begin(self, consumer: Consumer, generation: int) -> None:
        connection = _there(self._connection)
        # A channel of its own, since a window holds for a channel's new readers.
        channel = await connection.channel(publisher_confirms=False)
        channel.close_callbacks.add(self._closed(generation))
        await channel.set_qos(prefetch_count=consumer.window)
        arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-single-active-consumer": True}
        if not consumer.lasting:
            arguments["x-expires"] = unread_seconds_max * 1000
        queue = await channel.declare_queue(consumer.queue, durable=True, arguments=arguments)

        async def take(message: AbstractIncomingMessage) -> None:
            consumer.take(_Delivery(self, generation, message))

        tag = await queue.consume(take, no_ack=False)
        underlay = await channel.get_underlay_channel()
        # A queue that was deleted under us says so with a cancel, and nothing else.
        underlay.on_consumer_cancel_callbacks.add(self._closed(generation))
        self._reading[consumer.queue] = (channel, queue, tag)

    async def _end(self, queue: str, *, delete: bool) -> None:
        channel, reading, tag = self._reading.pop(queue)
        await reading.cancel(tag)
        if delete:
            await reading.delete(if_unused=False, if_empty=False)
        channel.close_callbacks.clear()
        await channel.close()

    async def _publish(self, window: Sequence[Outgoing]) -> None:
        exchange = _there(self._sending).default_exchange
        # The messages leave in this order; only their confirmations are awaited together.
        await asyncio.gather(
            *(
                exchange.publish(
                    aio_pika.Message(
                        packet.payload,
                        message_id=packet.packet_id,
                        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                    ),
                    routing_key=packet.queue,
                    # The queue of a worker that has gone may be gone as well.
                    mandatory=False,
                )
                for packet in window
            )
        )

    def acknowledge(self, generation: int, message: AbstractIncomingMessage) -> None:
        """Let the broker forget a message of the connection `generation`."""
        if generation != self._generation:
            return
        self._done.append(message)
        if self._acknowledging is None or self._acknowledging.done():
            self._acknowledging = asyncio.create_task(self._acknowledge(generation))

    async def _acknowledge(self, generation: int) -> None:
        try:
            while self._done:
                done, self._done = self._done, []
                for message in done:
                    await message.ack()
        except Exception as error:  # noqa: BLE001 - the driver raises a bare one as it closes
            self._break(generation, str(error) or type(error).__name__)

    async def _close(self) -> None:
        connection, self._connection, self._sending = self._connection, None, None
        self._reading.clear()
        # The next connection has a task of its own, whatever becomes of this one.
        acknowledging, self._acknowledging = self._acknowledging, None
        try:
            if acknowledging is not None:
                await asyncio.wait([acknowledging], timeout=acknowledge_seconds_max)
        finally:
            if acknowledging is not None:
                acknowledging.cancel()
            self._done.clear()
            if connection is not None:
                await connection.close()


class _Delivery:
    def __init__(
        self, queues: AmqpQueues, generation: int, message: AbstractIncomingMessage
    ) -> None:
        self.payload = message.body
        self._queues = queues
        self._generation = generation
        self._message = message

    def done(self) -> None:
        """Let the broker forget it, unless its connection is gone: then it comes again."""
        self._queues.acknowledge(self._generation, self._message)

    def keep(self) -> None:
        """Nothing to say: the broker waits."""


def _there(part: Any) -> Any:
    if part is None:
        message = "the connection is closed"
        raise ConnectionResetError(message)
    return part
