from __future__ import annotations

import json
import socket

import pytest

from tests.fixtures.logs import written_logs
from tests.fixtures.stores import until
from tidemill.infrastructure.brokers.outages import Outage
from tidemill.infrastructure.queues.amqp import AmqpQueues

pytestmark = pytest.mark.anyio


async def test_start_tells_once_that_no_broker_answers_however_often_it_is_asked() -> None:
    with written_logs() as logs, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # It does not listen, and nobody else can.
        queues = AmqpQueues(f"amqp://ada:hunter2@127.0.0.1:{closed.getsockname()[1]}/")
        queues._outage = Outage(lambda: 0.0)
        await queues.start()
        await until(lambda: queues._generation > 4)
        await queues.stop()

    told = [json.loads(line) for line in logs.getvalue().splitlines()]
    assert [(line["event"], line["setting"]) for line in told] == [
        ("queues.connection.failed", "message_queue.url")
    ]
    assert b"hunter2" not in logs.getvalue()
