from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.fixtures.stores import until
from tests.unit.events.live.watching import Live, a_live, names_of, seqs_of
from tidemill.core.facts import Topic
from tidemill.events.errors import InvalidTopic

pytestmark = pytest.mark.anyio

TENANT = Topic("tenant")


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with a_live(tmp_path) as live:
        yield live


async def test_subscribe_waits_for_what_another_process_has_told_already(live: Live) -> None:
    async with live.connected() as connection:
        await live.logged(3)  # No bus has brought them here.

        await live.hub.subscribe(connection, [TENANT], since=2)

        frames = await connection.next_frames()
        assert names_of(frames)[0] == "subscribed"
        assert seqs_of(frames) == [3]


async def test_no_answer_says_less_than_the_frames_before_it(live: Live) -> None:
    async with live.connected() as connection:
        await live.hub.subscribe(connection, [TENANT])
        await live.hear(*await live.logged(3))
        await until(lambda: connection.reached_seq == 3)

        live.hub.pong(connection, "m", 1)
        live.hub.reject(connection, InvalidTopic("No."))

        reached = [
            msgspec.json.decode(one)["through_seq"] for one in await connection.next_frames()
        ]
        assert reached == [0, 3, 3, 3]
