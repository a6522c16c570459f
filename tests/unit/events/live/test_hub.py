from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tests.fixtures.stores import until
from tests.unit.events.live.watching import Live, a_live, names_of, next_seqs, seqs_of
from tests.unit.events.world import a_user
from tidemill.core.actor import Actor, ActorKind
from tidemill.core.facts import RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Change, Ephemeral, FactBatch
from tidemill.events.errors import InvalidTopic
from tidemill.events.live.connection import Limits
from tidemill.events.wire import Format

pytestmark = pytest.mark.anyio

TENANT = Topic("tenant")


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with a_live(tmp_path) as live:
        yield live


@pytest.mark.parametrize(
    "order",
    [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4], [4], [1, 1, 3, 2, 2, 4, 1], [1, 4, 4]],
    ids=str,
)
async def test_hub_repairs_what_the_bus_loses_repeats_or_mixes_up(
    live: Live, order: list[int]
) -> None:
    async with live.connected() as connection:
        await live.hub.subscribe(connection, [TENANT])
        facts = await live.logged(4)

        await live.hear(*(facts[seq - 1] for seq in order))

        assert await next_seqs(connection, 4) == [1, 2, 3, 4]


async def test_hub_reads_the_log_when_the_bus_brings_only_a_number(live: Live) -> None:
    async with live.connected() as connection:
        await live.hub.subscribe(connection, [TENANT])
        await live.logged(3)

        await live.world.bus.publish([FactBatch(tenant_id=live.tenant, through=3)])

        assert await next_seqs(connection, 3) == [1, 2, 3]


async def test_hub_reads_the_log_again_when_that_broke(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = live.world.stream.after
    failures = [RuntimeError("the driver broke")]

    async def breaking(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return await after(*arguments)

    async with live.connected() as connection:
        await live.hub.subscribe(connection, [TENANT])
        await live.logged(3)
        monkeypatch.setattr(live.world.stream, "after", breaking)

        await live.world.bus.publish([FactBatch(tenant_id=live.tenant, through=3)])

        assert await next_seqs(connection, 3) == [1, 2, 3]


async def test_hub_looks_into_the_log_after_a_gap_of_the_bus(live: Live) -> None:
    async with live.connected() as connection:
        await live.hub.subscribe(connection, [TENANT])
        await live.logged(3)

        live.hub._on_gap()

        assert await next_seqs(connection, 3) == [1, 2, 3]


async def test_subscribe_since_delivers_past_and_present_once_in_order(live: Live) -> None:
    facts = await live.logged(450)
    async with live.connected() as connection:
        catching_up = asyncio.create_task(live.hub.subscribe(connection, [TENANT], since=10))
        await live.world.happen(451)
        await live.hear(facts[-1], *(await live.world.stream.after(live.tenant, 450)))

        assert await next_seqs(connection, 441) == list(range(11, 452))
        await catching_up


async def test_subscribe_to_more_delivers_the_past_of_the_new_topic_only(live: Live) -> None:
    await live.world.happen(1, 2, project="a")
    await live.world.happen(3, project="b")
    async with live.connected() as connection:
        await live.hub.subscribe(connection, [Topic("project:a")])
        await live.hub.subscribe(connection, [Topic("project:b")], since=0)

        assert await next_seqs(connection, 1) == [3]


async def test_slow_client_is_told_lagged_and_delays_nobody(tmp_path: Path) -> None:
    """R056."""
    limits = Limits(queued_frames_max=8)
    async with (
        a_live(tmp_path, limits) as live,
        live.connected() as slow,
        live.connected() as quick,
    ):
        for connection in (slow, quick):
            await live.hub.subscribe(connection, [TENANT])
            await connection.next_frames()
        facts = await live.logged(40)
        seen: list[int] = []
        for fact in facts:
            await live.hear(fact)
            seen.extend(await next_seqs(quick, 1))

        assert seen == list(range(1, 41))
        frames = await slow.next_frames()
        assert names_of(frames) == ["lagged"]
        from_seq = msgspec.json.decode(frames[0])["lagged"]["from_seq"]
        assert from_seq == 0

        await live.hub.subscribe(slow, [TENANT], since=from_seq)
        assert await next_seqs(slow, 40) == list(range(1, 41))
        (more,) = await _more(live, 41)
        await live.hear(more)
        assert await next_seqs(slow, 1) == [41]


async def _more(live: Live, n: int) -> list[RecordedFact]:
    await live.world.happen(n)
    return await live.world.stream.after(live.tenant, n - 1)


async def test_catching_up_waits_for_a_slow_reader_instead_of_dropping(tmp_path: Path) -> None:
    async with a_live(tmp_path, Limits(queued_frames_max=2)) as live:
        await live.logged(1000)
        async with live.connected() as connection:
            catching_up = asyncio.create_task(live.hub.subscribe(connection, [TENANT], since=0))

            assert await next_seqs(connection, 1000) == list(range(1, 1001))
            await catching_up


async def test_subscribe_from_too_long_ago_means_resync(tmp_path: Path) -> None:
    async with a_live(tmp_path, Limits(replayed_facts_max=10)) as live:
        facts = await live.logged(20)
        async with live.connected() as connection:
            await live.hub.subscribe(connection, [TENANT], since=0)

            frames = await connection.next_frames()
            assert names_of(frames) == ["resync"]
            assert msgspec.json.decode(frames[0])["through_seq"] == 20
            await live.hear(*facts, *(await _more(live, 21)))
            assert await next_seqs(connection, 1) == [21]


async def test_facts_that_arrive_while_the_log_is_asked_do_not_begin_the_stream_anew(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    head_of = live.world.stream.head
    overtaken = asyncio.Event()

    async def slow(tenant_id: TenantId) -> Any:
        head = await head_of(tenant_id)
        await live.hear(*await live.logged(3))
        overtaken.set()
        return head

    async with live.connected() as connection:
        await live.hub.subscribe(connection, [TENANT])
        await connection.next_frames()
        monkeypatch.setattr(live.world.stream, "head", slow)

        live.hub._on_gap()
        await overtaken.wait()
        monkeypatch.undo()
        await live.hear(*(await live.logged(4))[3:])

        frames: list[bytes] = []
        async with asyncio.timeout(60):
            while len(seqs_of(frames)) < 4:
                frames += await connection.next_frames()
        assert "resync" not in names_of(frames)


async def test_nobody_is_told_how_far_the_stream_is_before_that_is_known(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    head_of = live.world.stream.head
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slow(tenant_id: TenantId) -> Any:
        asked.set()
        await answered.wait()
        return await head_of(tenant_id)

    monkeypatch.setattr(live.world.stream, "head", slow)
    async with contextlib.AsyncExitStack() as stack:
        entering = asyncio.create_task(stack.enter_async_context(live.connected()))
        await asked.wait()
        for feed in live.hub._feeds.values():
            feed.heartbeat()
        answered.set()
        connection = await entering
        await live.hub.subscribe(connection, [TENANT])

        frames = await connection.next_frames()

        assert all(msgspec.json.decode(frame)["stream_epoch"] for frame in frames)


async def test_new_epoch_makes_every_client_resync(live: Live) -> None:
    await live.logged(5)
    async with live.connected() as connection:
        await live.hub.subscribe(connection, [TENANT])
        await connection.next_frames()

        await live.world.stores.tenants.write(
            live.tenant,
            lambda tx: tx.execute(
                "UPDATE stream_heads SET epoch = 'restored' WHERE tenant_id = :tenant_id"
            ),
        )
        live.hub._on_gap()

        frames = await connection.next_frames()
        assert names_of(frames) == ["resync"]
        assert msgspec.json.decode(frames[0])["stream_epoch"] == "restored"


async def test_frames_are_encoded_once_for_all_who_see_the_same(live: Live) -> None:
    async with contextlib.AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(live.connected()) for _ in range(5)]
        for connection in connections:
            await live.hub.subscribe(connection, [TENANT])
            await connection.next_frames()
        facts = await live.logged(2)

        await live.hear(*facts)

        frames = [(await connection.next_frames())[0] for connection in connections]
        assert all(frame is frames[0] for frame in frames)


async def test_hub_ignores_tenants_whom_nobody_watches(live: Live) -> None:
    await live.hear(*(await live.logged(3)))

    assert live.hub.figures.tenants == 0


async def test_actor_without_the_right_to_read_sees_nothing(live: Live) -> None:
    nobody = msgspec.structs.replace(a_user(live.tenant), role=None)
    async with live.hub.connected(nobody, Format.JSON) as blind, live.connected() as member:
        for connection in (blind, member):
            await live.hub.subscribe(connection, [TENANT])
            await connection.next_frames()

        await live.hear(*(await live.logged(1)))

        assert await next_seqs(member, 1) == [1]
        assert not blind._queue


async def test_updates_reach_followers_of_their_topic_with_the_position(live: Live) -> None:
    await live.logged(2)
    async with live.connected() as follower, live.connected() as stranger:
        await live.hub.subscribe(follower, [Topic("job:1")])
        await live.hub.subscribe(stranger, [Topic("job:2"), TENANT])
        await follower.next_frames()
        await stranger.next_frames()

        update = Ephemeral(
            tenant_id=live.tenant,
            topics=(Topic("job:1"),),
            type="JobLog",
            data=msgspec.Raw(b'{"line":"hi"}'),
        )
        await live.world.bus.broadcast(update)

        message = msgspec.json.decode((await follower.next_frames())[0])
        assert message["ephemeral"]["data"] == {"line": "hi"}
        assert message["through_seq"] == 2
        assert not stranger._queue


async def test_change_closes_a_connection_whose_credential_ended(live: Live) -> None:
    async with live.connected() as connection:
        live.valid = False

        live.hub.on_change(Change(seq=1, kind="session", tenant_id=live.tenant, key="s-u-1"))

        await until(lambda: connection.closed is not None)
        assert connection.closed is not None
        assert connection.closed.code == 4401


async def test_change_of_another_tenant_asks_nobody(live: Live) -> None:
    async with live.connected() as connection:
        live.valid = False

        live.hub.on_change(
            Change(seq=1, kind="membership", tenant_id=TenantId("other"), key="else")
        )
        assert not live.hub._tasks
        assert connection.closed is None


async def test_topics_of_one_connection_are_limited(live: Live) -> None:
    async with live.connected() as connection:
        with pytest.raises(InvalidTopic):
            await live.hub.subscribe(connection, [Topic(f"job:{n}") for n in range(5_001)])


async def test_nobody_watches_whose_credential_cannot_be_checked(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Actor) -> bool:
        raise RuntimeError("the check broke")

    monkeypatch.setattr(live.hub, "_still_valid", broken)
    monkeypatch.setattr("tidemill.events.live.hub.check_attempts_max", 1)
    monkeypatch.setattr("tidemill.events.live.hub.check_retry_seconds", 0.0)
    async with live.connected() as connection:
        live.hub.on_reset()
        async with asyncio.timeout(60):
            while await connection.next_frames():
                pass

    assert connection.closed is not None
    assert connection.closed.code == 4401


async def test_a_job_whose_execution_ended_stops_watching_though_no_change_tells_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.events.live.hub.execution_check_seconds", 0.001)
    async with a_live(tmp_path, Limits(heartbeat_seconds=3600)) as live:
        job = structs.replace(a_user(live.tenant), kind=ActorKind.JOB, id="job-1")
        async with live.hub.connected(job, Format.JSON) as connection:
            live.valid = False
            async with asyncio.timeout(60):
                while await connection.next_frames():
                    pass

    assert connection.closed is not None
    assert connection.closed.code == 4401
