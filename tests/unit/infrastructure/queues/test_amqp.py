"""What hangs on one connection to RabbitMQ holds up none that follows."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import anyio
import pytest

from tidemill.infrastructure.queues.amqp import AmqpQueues

pytestmark = pytest.mark.anyio


class Message:
    """A message whose acknowledgement takes until `sent` is set."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.sent = asyncio.Event()

    async def ack(self) -> None:
        self.asked.set()
        await self.sent.wait()


class Connections(AmqpQueues):
    """Connections that come and go as the test says."""

    def __init__(self) -> None:
        super().__init__("amqp://nowhere")

    def take(self, message: Message) -> None:
        """Acknowledge a message of the connection that is there now."""
        self.acknowledge(self._generation, cast("Any", message))

    async def reconnect(self) -> None:
        """Close this connection; the next one is there."""
        await self._close()
        self._generation += 1


async def test_acknowledge_goes_on_after_a_connection_on_which_it_hung() -> None:
    queues, hanging, following = Connections(), Message(), Message()
    queues.take(hanging)
    await hanging.asked.wait()

    with anyio.fail_after(60):
        await queues.reconnect()
        queues.take(following)
        await following.asked.wait()

    following.sent.set()
    assert not hanging.sent.is_set()


async def test_close_waits_for_what_is_being_acknowledged() -> None:
    queues, message = Connections(), Message()
    queues.take(message)
    await message.asked.wait()
    asyncio.get_running_loop().call_soon(message.sent.set)

    await queues.reconnect()

    assert message.sent.is_set()
