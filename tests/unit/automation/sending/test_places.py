from __future__ import annotations

import asyncio
from collections import Counter
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.automation.sending.places import Places
from tidemill.core.ids import TenantId

pytestmark = pytest.mark.anyio
EBB, FLOW, SLACK = (TenantId(name) for name in ("ebb", "flow", "slack"))
TOTAL = 4


class Calls:
    """Calls that hold their places until the test lets them go."""

    def __init__(self, total: int = TOTAL) -> None:
        self.places = Places(total)
        self.running: list[tuple[TenantId, asyncio.Event]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def begin(self, *tenants: TenantId) -> None:
        self.tasks += [asyncio.ensure_future(self._call(each)) for each in tenants]
        await self.settle()

    async def end(self, tenant_id: TenantId) -> None:
        next(event for name, event in self.running if name == tenant_id).set()
        await self.settle()

    def held(self) -> Counter[TenantId]:
        return Counter(name for name, _ in self.running)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _call(self, tenant_id: TenantId) -> None:
        async with self.places.of(tenant_id):
            mine = (tenant_id, asyncio.Event())
            self.running.append(mine)
            try:
                await mine[1].wait()
            finally:
                self.running.remove(mine)


async def test_places_leave_room_beside_a_tenant_that_would_take_all() -> None:
    async with Calls() as calls:
        await calls.begin(*[EBB] * 10)
        alone = calls.held()
        await calls.begin(FLOW)

        assert alone == {EBB: 2}
        assert calls.held() == {EBB: 2, FLOW: 1}


async def test_places_go_to_whoever_has_the_fewest() -> None:
    async with Calls() as calls:
        await calls.begin(EBB, EBB, FLOW, FLOW)

        await calls.begin(EBB, EBB, FLOW, SLACK, SLACK)
        await calls.end(EBB)
        first = calls.held()
        await calls.end(FLOW)

        assert first == {EBB: 1, FLOW: 2, SLACK: 1}
        assert calls.held()[SLACK] + calls.held()[EBB] == 3


async def test_places_are_none_of_those_who_have_gone() -> None:
    async with Calls(total=1) as calls:
        await calls.begin(EBB, EBB, FLOW)
        calls.tasks[1].cancel()
        await calls.settle()

        await calls.end(EBB)

        assert calls.held() == {FLOW: 1}


async def test_places_come_back_from_who_is_cancelled_as_it_gets_one() -> None:
    async with Calls(total=1) as calls:
        await calls.begin(EBB, FLOW, SLACK)

        calls.running[0][1].set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        calls.tasks[1].cancel()
        await calls.settle()

        assert calls.held() == {SLACK: 1}


@given(
    total=st.integers(1, 6),
    steps=st.lists(st.tuples(st.sampled_from(["begin", "end", "cancel"]), st.integers(0, 4))),
)
def test_places_serve_everybody_and_never_too_many(
    total: int, steps: list[tuple[str, int]]
) -> None:
    async def story() -> None:
        async with Calls(total) as calls:
            for what, which in steps:
                if what == "begin":
                    await calls.begin(TenantId(str(which)))
                elif what == "end" and calls.running:
                    await calls.end(calls.running[which % len(calls.running)][0])
                elif what == "cancel" and calls.tasks:
                    calls.tasks[which % len(calls.tasks)].cancel()
                    await calls.settle()
                held = calls.held()
                assert sum(held.values()) <= total
                assert all(count <= max(1, total // 2) for count in held.values())
            while calls.running:
                await calls.end(calls.running[0][0])
            assert all(task.done() for task in calls.tasks)

    asyncio.run(story())
