from __future__ import annotations

import pytest

from tests.fixtures.stores import until
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.events.live import updates
from tidemill.events.live.updates import BusLiveUpdates
from tidemill.infrastructure.messaging import BusUnavailable
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio

TENANT = TenantId("t")
JOB = [Topic("job:1")]


class Flaky(InProcessBus):
    fails = False

    async def broadcast(self, update: Ephemeral) -> None:
        if self.fails:
            raise BusUnavailable("test", "gone")
        await super().broadcast(update)


async def test_publish_sends_in_order_and_a_repetition_once() -> None:
    bus = Flaky()
    heard: list[bytes] = []
    bus.on_ephemeral(lambda update: heard.append(bytes(update.data)))
    live = BusLiveUpdates(bus)

    for state in ("queued", "running", "running", "succeeded"):
        live.publish(TENANT, JOB, "JobState", state)

    await until(lambda: len(heard) == 3)
    assert heard == [b'"queued"', b'"running"', b'"succeeded"']


async def test_publish_survives_a_bus_that_is_away() -> None:
    bus = Flaky()
    heard: list[bytes] = []
    bus.on_ephemeral(lambda update: heard.append(bytes(update.data)))
    live = BusLiveUpdates(bus)
    bus.fails = True
    live.publish(TENANT, JOB, "JobState", 1)
    await live.stop()
    bus.fails = False

    live.publish(TENANT, JOB, "JobState", 2)
    await live.stop()

    assert heard == [b"2"]


async def test_publish_drops_the_oldest_when_too_much_waits() -> None:
    bus = Flaky()
    heard: list[bytes] = []
    bus.on_ephemeral(lambda update: heard.append(bytes(update.data)))
    live = BusLiveUpdates(bus)

    for n in range(updates.waiting_max + 5):
        live.publish(TENANT, JOB, "JobState", n)
    await live.stop()

    assert len(heard) == updates.waiting_max
    assert heard[0] == b"5"
