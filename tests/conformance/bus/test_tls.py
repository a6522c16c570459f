"""Brokers that speak TLS only, to whoever shows a certificate: the bus, and the queues of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tests.fixtures.certificates import Authority
from tests.fixtures.owned import OwnBroker, OwnNats, OwnRabbit
from tests.fixtures.stores import until
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.core.queues import Delivery, QueuesUnavailable
from tidemill.infrastructure.brokers.tls import BrokerTls
from tidemill.infrastructure.messaging.errors import BusUnavailable
from tidemill.infrastructure.messaging.factory import BusOptions, open_bus
from tidemill.infrastructure.queues.factory import QueueOptions, open_queues

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

seconds_max = 60.0
UPDATE = Ephemeral(
    tenant_id=TenantId("t"), topics=(Topic("jobs"),), type="Said", data=msgspec.Raw(b"1")
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    directory = tmp_path_factory.mktemp("authority")
    return Authority.make(directory)


@pytest.fixture(
    scope="module",
    params=[
        OwnNats,
        pytest.param(OwnRabbit, marks=pytest.mark.full(reason="a node of its own starts slowly")),
    ],
)
def broker(request: pytest.FixtureRequest, authority: Authority) -> Iterator[OwnBroker]:
    with request.param(authority) as started:
        yield started


@pytest.fixture(scope="module")
def tls(authority: Authority) -> BrokerTls:
    own = authority.issue("process")
    return BrokerTls(
        ca_file=str(authority.file), certificate_file=str(own.certificate), key_file=str(own.key)
    )


async def test_queues_carry_packets_over_tls(broker: OwnBroker, tls: BrokerTls) -> None:
    queues = open_queues(QueueOptions(url=broker.url, tls=tls))
    read: list[bytes] = []

    def take(delivery: Delivery) -> None:
        read.append(delivery.payload)
        delivery.done()

    await queues.start()
    await queues.ready(seconds_max)
    await queues.consume("tasks.one", take, window=1, lasting=False)
    queues.send("tasks.one", b"tide", packet_id="1", sent=lambda: None)
    await until(lambda: read, seconds=seconds_max)
    await queues.stop()

    assert read == [b"tide"]


async def test_bus_carries_updates_over_tls(broker: OwnBroker, tls: BrokerTls) -> None:
    bus = open_bus(BusOptions(url=broker.url, tls=tls))
    heard: list[Ephemeral] = []
    bus.on_ephemeral(heard.append)

    await bus.start()
    await bus.broadcast(UPDATE)
    await until(lambda: heard, seconds=seconds_max)
    await bus.stop()

    assert [update.type for update in heard] == ["Said"]


@pytest.mark.parametrize("wrong", ["authority", "certificate", "file"])
async def test_brokers_are_reached_with_the_right_files_only(
    broker: OwnBroker, tls: BrokerTls, tmp_path: Path, wrong: str
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "authority": {"ca_file": str(Authority.make(tmp_path, "other").file)},
        "certificate": {"certificate_file": "", "key_file": ""},
        "file": {"ca_file": str(tmp_path / "missing.pem")},
    }
    changed = structs.replace(tls, **changes[wrong])
    queues = open_queues(QueueOptions(url=broker.url, tls=changed))
    bus = open_bus(BusOptions(url=broker.url, tls=changed))

    with pytest.raises(BusUnavailable):
        await bus.start()
    await queues.start()
    with pytest.raises(QueuesUnavailable):
        await queues.ready(2.0)
    told = await queues.check()
    await queues.stop()

    assert told is not None
    if wrong == "file":
        assert "message_queue.tls_ca_file" in told
