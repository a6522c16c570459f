"""Facts and ephemeral updates over AMQP 0-9-1, such as RabbitMQ."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as DriverError

from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.brokers.tls import BrokerTls, context_of
from tidemill.infrastructure.messaging.messages import (
    encode_ephemeral,
    encode_fact,
    encode_number,
    fact_subject,
    subject,
)
from tidemill.infrastructure.messaging.supervised import SupervisedBus, open_seconds_max

publish_window: Final = 256
ping_seconds: Final = 2.0
queue_length_max: Final = 100_000
queue_bytes_max: Final = 256 * 1024 * 1024


class AmqpBus(SupervisedBus):
    """A topic exchange for facts, one for updates, and a queue of its own for each process."""

    name: ClassVar[str] = "amqp"
    driver_errors: ClassVar[tuple[type[BaseException], ...]] = (
        AMQPError,
        DriverError,
        OSError,
        # Both libraries raise these for a channel that closed between two steps.
        RuntimeError,
    )

    def __init__(self, url: str, *, prefix: str = "tidemill", tls: BrokerTls | None = None) -> None:
        super().__init__()
        self._url = url
        self._tls = tls or BrokerTls()
        self._prefix = subject(prefix)
        self._connection: AbstractConnection | None = None
        self._facts_exchange: AbstractExchange | None = None
        self._live_exchange: AbstractExchange | None = None
        self._watch: asyncio.Task[None] | None = None
        self._heard_ping = asyncio.Event()

    async def _open(self, generation: int) -> None:
        def closed(*_: Any) -> None:
            self._break(generation, "closed by the server")

        context = context_of(self._url, self._tls)
        connection = await aio_pika.connect(
            self._url, timeout=open_seconds_max, ssl_context=context
        )
        self._connection = connection
        connection.close_callbacks.add(closed)
        sending = await connection.channel(publisher_confirms=True)
        sending.close_callbacks.add(closed)
        self._facts_exchange = await sending.declare_exchange(
            f"{self._prefix}.facts", aio_pika.ExchangeType.TOPIC, durable=True
        )
        unconfirmed = await connection.channel(publisher_confirms=False)
        unconfirmed.close_callbacks.add(closed)
        self._live_exchange = await unconfirmed.declare_exchange(
            f"{self._prefix}.live", aio_pika.ExchangeType.TOPIC, durable=True
        )
        receiving = await connection.channel(publisher_confirms=False)
        receiving.close_callbacks.add(closed)
        queue = await receiving.declare_queue(
            exclusive=True,
            auto_delete=True,
            arguments={
                "x-max-length": queue_length_max,
                "x-max-length-bytes": queue_bytes_max,
            },
        )
        await queue.bind(f"{self._prefix}.facts", f"{self._prefix}.#")
        await queue.bind(f"{self._prefix}.facts", f"ping.{queue.name}")
        await queue.bind(f"{self._prefix}.live", "#")
        await queue.consume(self._on_message, no_ack=True)
        # A queue that was deleted under us says so with a cancel, and nothing else.
        underlay = await receiving.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(closed)
        self._watch = asyncio.create_task(self._ping(f"ping.{queue.name}", generation))

    async def _ping(self, routing_key: str, generation: int) -> None:
        # An exchange that was deleted takes the bindings of every queue with it, silently: only
        # a message that should come back tells.
        self._heard_ping.set()
        with contextlib.suppress(*self._troubles):
            while self._heard_ping.is_set():
                self._heard_ping.clear()
                await _open_exchange(self._facts_exchange).publish(
                    aio_pika.Message(b""), routing_key=routing_key, mandatory=False
                )
                await asyncio.sleep(ping_seconds)
        self._break(generation, "its own message did not come back")

    async def _on_message(self, message: AbstractIncomingMessage) -> None:
        if not message.body:
            self._heard_ping.set()
            return
        if message.exchange == f"{self._prefix}.live":
            self._received_ephemeral_bytes(message.body)
        else:
            self._received_fact_bytes(message.body)

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._facts_exchange = self._live_exchange = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if connection is not None:
            await connection.close()

    async def _send(self, batches: Sequence[FactBatch]) -> None:
        window: list[tuple[str, bytes, str]] = []
        for batch in batches:
            if not batch.facts:
                to = subject(self._prefix, batch.tenant_id, "events", "number")
                window.append((to, encode_number(batch.tenant_id, batch.through), ""))
            for fact in batch.facts:
                window.append((fact_subject(self._prefix, fact), encode_fact(fact), fact.id))
                if len(window) >= publish_window:
                    await self._send_window(window)
                    window = []
        await self._send_window(window)

    async def _send_window(self, window: Sequence[tuple[str, bytes, str]]) -> None:
        exchange = _open_exchange(self._facts_exchange)
        # The messages leave in this order; only their confirmations are awaited together.
        await asyncio.gather(
            *(
                exchange.publish(
                    aio_pika.Message(payload, message_id=message_id),
                    routing_key=to,
                    mandatory=False,
                )
                for to, payload, message_id in window
            )
        )

    async def _send_ephemeral(self, update: Ephemeral) -> None:
        await _open_exchange(self._live_exchange).publish(
            aio_pika.Message(encode_ephemeral(update)),
            routing_key=subject(self._prefix, update.tenant_id),
            mandatory=False,
        )


def _open_exchange(exchange: AbstractExchange | None) -> AbstractExchange:
    if exchange is None:
        message = "the connection is closed"
        raise ConnectionResetError(message)
    return exchange
