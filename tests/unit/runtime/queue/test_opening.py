from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest

from tests.fixtures.stores import until
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Ephemeral
from tidemill.jobs.contract import JobRequest
from tidemill.runtime.queue import open_queue, place_of

pytestmark = pytest.mark.anyio


async def test_announce_is_not_repeated_by_programs_that_hear_it(tmp_path: Path) -> None:
    place = place_of(f"sqlite:///{tmp_path}/queue.db", state=tmp_path / "state")
    first, second = await open_queue(place), await open_queue(place)
    heard: list[str] = []
    second.bus.on_ephemeral(lambda update: heard.append(update.type))
    for queue in (first, second):
        queue.announce()

    await first.enqueue(JobRequest(function="shop:noop"), tenant="default")
    await until(lambda: heard)
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
    last = Ephemeral(tenant_id=INSTALLATION, topics=(), type="Last", data=msgspec.Raw(b"1"))
    await second.bus.broadcast(last)
    await until(lambda: "Last" in heard)

    assert heard == ["JobsReady", "Last"]
    await first.close()
    await second.close()
