from __future__ import annotations

import anyio
import pytest

from tests.fixtures.jobs import LiveNotes
from tests.fixtures.stores import until
from tidemill.core.ports import Ephemeral
from tidemill.infrastructure.messaging.memory import InProcessBus
from tidemill.jobs.announcing import Announcer, hear
from tidemill.jobs.queueing.queue.signals import Signals

pytestmark = pytest.mark.anyio


async def test_announce_wakes_a_dispatcher_elsewhere_with_the_earliest_instant() -> None:
    bus, signals = InProcessBus(), Signals(LiveNotes())
    heard: list[int] = []
    sent: list[Ephemeral] = []
    signals.on_ready(heard.append)
    bus.on_ephemeral(sent.append)
    bus.on_ephemeral(lambda update: hear(signals, update))
    await bus.start()
    announcer = Announcer(bus)

    for due_at in (300, 100, 200):
        announcer.announce(due_at)
    await until(lambda: heard)
    await anyio.lowlevel.checkpoint()

    assert heard == [100]
    assert len(sent) == 1
    await bus.stop()


async def test_hear_passes_over_other_updates() -> None:
    signals = Signals(LiveNotes())
    heard: list[int] = []
    signals.on_ready(heard.append)

    hear(signals, Ephemeral(tenant_id="t", topics=(), type="JobLogLines", data=b"1"))  # type: ignore[arg-type]

    assert heard == []
