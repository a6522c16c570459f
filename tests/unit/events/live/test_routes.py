from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.events.live.watching import a_live, next_seqs
from tests.unit.events.world import a_user
from tidemill.core.facts import Topic
from tidemill.events.live.connection import Limits
from tidemill.events.live.routes import _events

pytestmark = pytest.mark.anyio

TENANT = Topic("tenant")


async def test_events_tell_a_slow_client_that_it_lagged_before_they_end(tmp_path: Path) -> None:
    async with (
        a_live(tmp_path, Limits(queued_frames_max=8)) as live,
        live.connected() as quick,
    ):
        await live.hub.subscribe(quick, [TENANT])
        await quick.next_frames()
        events = _events(live.hub, a_user(live.tenant), [TENANT], (None, None))
        while b"event: subscribed" not in await anext(events):
            pass
        # The client takes nothing from here on, while it is given what came before.
        for fact in await live.logged(40):
            await live.hear(fact)
            await next_seqs(quick, 1)

        rest = [frame async for frame in events]

        assert [frame.count(b"event: lagged") for frame in rest] == [1]
