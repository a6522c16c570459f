"""Receives workers that come through a broker, in the process that leads."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any, Final

import msgspec
import structlog

from tidemill.core.queues import Delivery, Queues
from tidemill.jobs.dispatching.brokers.conversation import Conversation, QueuedConnection
from tidemill.jobs.dispatching.brokers.options import BrokerOptions, status_packets_max
from tidemill.jobs.dispatching.brokers.packets import Kind, Packet, decoded, encoded
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import FromWorker, ToWorker
from tidemill.jobs.protocol.receiving import STRANGER

ended_kept_max: Final = 10_000
conversations_max: Final = 2_000
told_seconds: Final = 1.0
"""How often a worker is told that it speaks to nobody."""

_WORKER: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
"""The queue of a worker's process, after the name of its family: see `BrokerDialer`."""
_queue_chars_max: Final = 255

log = structlog.get_logger("tidemill.jobs.dispatching.brokers")

Accept = Callable[[DispatcherConnection], Awaitable[None]]
Vouch = Callable[[Collection[DispatcherConnection] | None], None]
"""Keeps the leases of workers that cannot be heard through no fault of their own.

None are those that this process has not met, since it never reached the broker while it led.
"""
_Conversation = Conversation[FromWorker, ToWorker]


class BrokerListener:
    """A service. Only the process that leads reads the status queue: it knows all leases."""

    def __init__(
        self,
        queues: Queues,
        options: BrokerOptions,
        accept: Accept,
        *,
        leads: Callable[[], bool],
        vouch: Vouch,
    ) -> None:
        self._queues = queues
        self._options = options
        self._accept = accept
        self._leads = leads
        self._vouch = vouch
        self._conversations: dict[str, _Conversation] = {}
        self._serving: dict[asyncio.Task[None], DispatcherConnection] = {}
        self._over: OrderedDict[str, float] = OrderedDict()
        self._reads = self._has_heard = False
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect; workers are received when the broker answers."""
        await self._queues.start()
        self._watch = asyncio.create_task(self._watching(), name="brokers.listener")

    async def stop(self) -> None:
        """Receive nobody more, and end the conversations."""
        if self._watch is None:
            return
        self._watch.cancel()
        with suppress(asyncio.CancelledError):
            await self._watch
        self._watch = None
        await self._close()
        await self._queues.stop()

    async def check(self) -> str | None:
        """Return why no worker can be reached through the broker, or None."""
        return await self._queues.check()

    async def _watching(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:
                # The next look may go better, and without any all workers would be given up.
                log.exception("brokers.look.failed")
            await asyncio.sleep(self._options.pace.pulse_seconds / 2)

    async def _look(self) -> None:
        if self._leads() and not self._reads:
            self._reads = True
            await self._queues.consume(
                self._options.status_queue, self._take, window=status_packets_max, lasting=True
            )
        elif self._reads and not self._leads():
            await self._close()
        if self._reads and not self._has_heard:
            self._vouch(None)
            self._has_heard = self._queues.is_connected
        if not self._queues.is_connected:
            self._vouch([one.connection for one in self._conversations.values()])
        for conversation in tuple(self._conversations.values()):
            conversation.look(self._options.pace)

    async def _close(self) -> None:
        if self._reads:
            self._reads = self._has_heard = False
            await self._queues.leave(self._options.status_queue, delete=False)
        await asyncio.gather(*(connection.close() for connection in self._serving.values()))
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*tuple(self._serving), return_exceptions=True)

    def _take(self, delivery: Delivery) -> None:
        try:
            packet = decoded(delivery.payload)
        except msgspec.MsgspecError:
            log.warning("brokers.packet.unreadable", queue=self._options.status_queue)
            delivery.done()
            return
        conversation = self._conversations.get(packet.conversation)
        if conversation is None and self._is_first(packet):
            conversation = self._begin(packet)
        if conversation is not None:
            conversation.arrived(packet, delivery)
            return
        delivery.done()
        if packet.kind in {Kind.DATA, Kind.PULSE, Kind.ASK} and self._is_worker(packet.reply_to):
            self._tell_unknown(packet)

    def _is_first(self, packet: Packet) -> bool:
        return (
            packet.kind is Kind.DATA
            and packet.number == 0
            and packet.conversation not in self._over
            and self._is_worker(packet.reply_to)
            and len(self._conversations) < conversations_max
        )

    def _is_worker(self, queue: str) -> bool:
        """Return whether a broker can take what is sent to `queue`; else it would wait for ever."""
        family = f"{self._options.task_queue}."
        if len(queue) > _queue_chars_max or not queue.startswith(family):
            return False
        return _WORKER.fullmatch(queue[len(family) :]) is not None

    def _begin(self, packet: Packet) -> _Conversation:
        for other in tuple(self._conversations.values()):
            if other.to == packet.reply_to:
                # The worker itself has begun anew.
                other.end("The worker has begun another conversation.")
            elif _worker_of(other.to) == _worker_of(packet.reply_to):
                other.doubt()
        connection: QueuedConnection[FromWorker, ToWorker] = QueuedConnection(
            FromWorker, peer=f"The worker of {packet.reply_to}", windows=STRANGER
        )
        conversation: _Conversation = Conversation(
            packet.conversation,
            connection,
            self._queues,
            reply_to=self._options.status_queue,
            to=packet.reply_to,
            ended=self._forget,
        )
        self._conversations[conversation.name] = conversation
        conversation.begin()
        task = asyncio.create_task(self._serve(connection))
        self._serving[task] = connection
        task.add_done_callback(self._serving.pop)
        return conversation

    async def _serve(self, connection: QueuedConnection[Any, Any]) -> None:
        try:
            await self._accept(connection)
        except ConnectionLost as lost:
            log.debug("brokers.conversation.lost", reason=str(lost))
        finally:
            await connection.close()

    def _forget(self, conversation: _Conversation) -> None:
        if self._conversations.pop(conversation.name, None) is None:
            return
        self._over[conversation.name] = 0.0
        if len(self._over) > ended_kept_max:
            self._over.popitem(last=False)

    def _tell_unknown(self, packet: Packet) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._over.get(packet.conversation, 0.0) < told_seconds:
            return
        self._over[packet.conversation] = now
        if len(self._over) > ended_kept_max:
            self._over.popitem(last=False)
        answer = Packet(Kind.UNKNOWN, packet.conversation, 0, self._options.status_queue)
        self._queues.send(
            packet.reply_to,
            encoded(answer),
            packet_id=f"{packet.reply_to}/{packet.conversation}/unknown/{now}",
            sent=_nothing,
        )


def _worker_of(queue: str) -> str:
    """Return the part of a worker's queue that is the same after its restart."""
    return queue.rpartition(".")[0]


def _nothing() -> None:
    """Nobody waits for the confirmation."""
