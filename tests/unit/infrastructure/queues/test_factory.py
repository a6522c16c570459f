from __future__ import annotations

import pytest

from tidemill.infrastructure.queues.amqp import AmqpQueues
from tidemill.infrastructure.queues.factory import QueueOptions, UnknownBroker, open_queues
from tidemill.infrastructure.queues.nats import NatsQueues


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("amqp://h", AmqpQueues),
        ("amqps://h", AmqpQueues),
        ("nats://h", NatsQueues),
        ("tls://h", NatsQueues),
    ],
)
def test_open_queues_takes_the_broker_that_the_address_means(url: str, kind: type) -> None:
    assert isinstance(open_queues(QueueOptions(url=url)), kind)


def test_open_queues_refuses_what_carries_no_jobs() -> None:
    with pytest.raises(UnknownBroker, match="kafka"):
        open_queues(QueueOptions(url="kafka://h"))
