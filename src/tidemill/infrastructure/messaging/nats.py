"""Facts over NATS JetStream, ephemeral updates over core NATS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.client import JetStreamContext
from nats.js.errors import BadRequestError

from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.brokers.nats import connect
from tidemill.infrastructure.brokers.tls import BrokerTls
from tidemill.infrastructure.messaging.messages import (
    encode_ephemeral,
    encode_fact,
    encode_number,
    fact_subject,
    subject,
)
from tidemill.infrastructure.messaging.supervised import SupervisedBus, stop_seconds_max

publish_window: Final = 64
heartbeat_seconds: Final = 1.0
silence_seconds_max: Final = 3.5
stream_age_seconds_max: Final = 7 * 24 * 3600
# Longer than any retry of the relay, so that a fact sent twice is stored once.
duplicate_window_seconds: Final = 600
pending_messages_max: Final = 65_536
pending_bytes_max: Final = 128 * 1024 * 1024
_CONSUMER_SEQUENCE: Final = 6
"""Where the reply subject `$JS.ACK.stream.consumer.tries.stream_seq.consumer_seq…` counts."""


class NatsBus(SupervisedBus):
    """Each process follows the stream through an ephemeral consumer of its own, in order."""

    name: ClassVar[str] = "nats"
    driver_errors: ClassVar[tuple[type[BaseException], ...]] = (nats.errors.Error, OSError)

    def __init__(self, url: str, *, prefix: str = "tidemill", tls: BrokerTls | None = None) -> None:
        super().__init__()
        self._url = url
        self._tls = tls or BrokerTls()
        self._prefix = subject(prefix)
        self._live_prefix = f"{prefix}-live"
        self._stream = f"{prefix}-facts"
        self._client: Client | None = None
        self._context: JetStreamContext | None = None
        self._watch: asyncio.Task[None] | None = None
        self._heard_at = 0.0
        self._consumer_seq = 0

    async def _open(self, generation: int) -> None:
        async def closed() -> None:
            self._break(generation, "closed by the server")

        async def failed(error: Exception) -> None:
            if isinstance(error, nats.errors.SlowConsumerError):
                self._missed_something()

        client = await connect(self._url, self._tls, closed=closed, failed=failed)
        self._client = client
        self._context = client.jetstream()
        await self._ensure_stream(self._context)
        await client.subscribe(f"{self._live_prefix}.>", cb=self._on_live)
        await self._follow(client, self._context)
        self._watch = asyncio.create_task(self._watch_silence(generation))

    async def _ensure_stream(self, context: JetStreamContext) -> None:
        config = StreamConfig(
            name=self._stream,
            # `>` and never `*`: a subject may gain tokens, and a follower must hear them all.
            subjects=[f"{self._prefix}.>"],
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            storage=StorageType.FILE,
            max_age=stream_age_seconds_max,
            duplicate_window=duplicate_window_seconds,
        )
        try:
            await context.add_stream(config)
        except BadRequestError:
            # It exists with limits that an operator has changed; theirs hold.
            await context.stream_info(self._stream)

    async def _follow(self, client: Client, context: JetStreamContext) -> None:
        inbox = client.new_inbox()
        self._consumer_seq = 0
        await client.subscribe(
            inbox,
            cb=self._on_message(client),
            pending_msgs_limit=pending_messages_max,
            pending_bytes_limit=pending_bytes_max,
        )
        await context.add_consumer(
            self._stream,
            ConsumerConfig(
                deliver_subject=inbox,
                deliver_policy=DeliverPolicy.NEW,
                ack_policy=AckPolicy.NONE,
                filter_subject=f"{self._prefix}.>",
                idle_heartbeat=heartbeat_seconds,
                flow_control=True,
                inactive_threshold=30,
                mem_storage=True,
                num_replicas=1,
            ),
        )
        self._heard_at = time.monotonic()

    def _on_message(self, client: Client) -> Callable[[Msg], Awaitable[None]]:
        async def on_message(message: Msg) -> None:
            self._heard_at = time.monotonic()
            if message.headers is not None and message.headers.get("Status") == "100":
                stalled = message.headers.get("Nats-Consumer-Stalled")
                if answer := message.reply or stalled:
                    await client.publish(answer)
                return
            self._check_order(message.reply)
            self._received_fact_bytes(message.data)

        return on_message

    def _check_order(self, reply: str) -> None:
        tokens = reply.split(".")
        if len(tokens) <= _CONSUMER_SEQUENCE:
            return
        seq = int(tokens[_CONSUMER_SEQUENCE])
        if seq != self._consumer_seq + 1:
            self._missed_something()
        self._consumer_seq = seq

    async def _on_live(self, message: Msg) -> None:
        self._received_ephemeral_bytes(message.data)

    async def _watch_silence(self, generation: int) -> None:
        # A stream or consumer that was deleted says nothing; only the heartbeat tells.
        while (silent := time.monotonic() - self._heard_at) < silence_seconds_max:  # noqa: ASYNC110 - silence sets no event
            await asyncio.sleep(silence_seconds_max - silent)
        self._break(generation, "no heartbeat from the stream")

    async def _close(self) -> None:
        client, self._client, self._context = self._client, None, None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if client is not None and not client.is_closed:
            await client.flush(int(stop_seconds_max))
            await client.close()

    async def _send(self, batches: Sequence[FactBatch]) -> None:
        window: list[tuple[str, bytes, str]] = []
        for batch in batches:
            if not batch.facts:
                window.append(self._number(batch))
            for fact in batch.facts:
                window.append(self._whole(fact))
                if len(window) >= publish_window:
                    await self._send_window(window)
                    window = []
        await self._send_window(window)

    def _whole(self, fact: RecordedFact) -> tuple[str, bytes, str]:
        return fact_subject(self._prefix, fact), encode_fact(fact), fact.id

    def _number(self, batch: FactBatch) -> tuple[str, bytes, str]:
        payload = encode_number(batch.tenant_id, batch.through)
        message_id = f"{batch.tenant_id}-{batch.through}"
        return subject(self._prefix, batch.tenant_id, "events", "number"), payload, message_id

    async def _send_window(self, window: Sequence[tuple[str, bytes, str]]) -> None:
        context = self._context
        if context is None:
            raise nats.errors.ConnectionClosedError
        # The requests leave in this order; only their confirmations are awaited together.
        await asyncio.gather(
            *(
                context.publish(to, payload, headers={"Nats-Msg-Id": message_id})
                for to, payload, message_id in window
            )
        )

    async def _send_ephemeral(self, update: Ephemeral) -> None:
        client = self._client
        if client is None:
            raise nats.errors.ConnectionClosedError
        await client.publish(subject(self._live_prefix, update.tenant_id), encode_ephemeral(update))
