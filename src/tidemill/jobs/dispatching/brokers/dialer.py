"""A worker's way to the dispatcher through a broker."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import suppress
from typing import Final

import msgspec
import structlog

from tidemill.core.queues import Delivery, Queues, QueuesUnavailable
from tidemill.jobs.dispatching.brokers.conversation import Conversation, QueuedConnection
from tidemill.jobs.dispatching.brokers.options import BrokerOptions, packets_spare
from tidemill.jobs.dispatching.brokers.packets import decoded
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import FromWorker, ToWorker

log = structlog.get_logger(__name__)

connect_seconds_max: Final = 5.0
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")


class BrokerDialer:
    """Reads one queue for as long as its process lives; one conversation at a time goes over it."""

    def __init__(
        self, queues: Queues, options: BrokerOptions, worker_id: str, *, slots: int
    ) -> None:
        self._queues = queues
        self._options = options
        self._slots = slots
        # Each start has a queue of its own: what an earlier one did not read is of no use.
        name = _UNSAFE.sub("_", worker_id)
        self._own = f"{options.task_queue}.{name}.{secrets.token_hex(4)}"
        self._conversation: Conversation[ToWorker, FromWorker] | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def queue(self) -> str:
        """The queue that this process reads."""
        return self._own

    async def connect(self) -> WorkerConnection:
        """Begin a conversation; raises `ConnectionLost` while the broker does not answer."""
        if self._watch is None:
            await self._queues.start()
            await self._queues.consume(
                self._own, self._take, window=self._slots + packets_spare, lasting=False
            )
            self._watch = asyncio.create_task(self._watching(), name="brokers.dialer")
        if self._conversation is not None:
            self._conversation.close()
        try:
            await self._queues.ready(connect_seconds_max)
        except QueuesUnavailable as error:
            raise ConnectionLost(error.message) from error
        connection: QueuedConnection[ToWorker, FromWorker] = QueuedConnection(
            ToWorker, peer="The dispatcher behind the broker"
        )
        self._conversation = Conversation(
            # Whoever knows it may speak in this conversation.
            secrets.token_hex(16),
            connection,
            self._queues,
            reply_to=self._own,
            to=self._options.status_queue,
            ended=self._ended,
        )
        self._conversation.begin()
        return connection

    async def close(self) -> None:
        """End the conversation, remove the own queue, and disconnect."""
        if self._watch is None:
            return
        self._watch.cancel()
        with suppress(asyncio.CancelledError):
            await self._watch
        self._watch = None
        if self._conversation is not None:
            self._conversation.close()
        await self._queues.leave(self._own, delete=True)
        await self._queues.stop()

    async def _watching(self) -> None:
        while True:
            try:
                if self._conversation is not None:
                    self._conversation.look(self._options.pace)
            except Exception:
                # The next look may go better; without any the dispatcher would give this one up.
                log.exception("brokers.look.failed")
            await asyncio.sleep(self._options.pace.pulse_seconds / 2)

    def _take(self, delivery: Delivery) -> None:
        try:
            packet = decoded(delivery.payload)
        except msgspec.MsgspecError:
            delivery.done()
            return
        conversation = self._conversation
        if conversation is None or packet.conversation != conversation.name:
            delivery.done()
            return
        conversation.arrived(packet, delivery)

    def _ended(self, conversation: Conversation[ToWorker, FromWorker]) -> None:
        if self._conversation is conversation:
            self._conversation = None
