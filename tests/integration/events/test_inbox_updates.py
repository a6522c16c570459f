"""The bell of an inbox on `/ws`: whoever follows it, its owner alone hears it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from tests.fixtures.stores import a_tenant, make_stores
from tests.integration.events.server import a_server
from tidemill.board.notifications.service import LiveBell
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx
from tidemill.events.live.updates import BusLiveUpdates
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio

INBOX = "inbox:ada"


async def test_inboxes_integration_ring_for_their_owner_alone(tmp_path: Path) -> None:
    bus = InProcessBus()
    live = BusLiveUpdates(bus)
    bell = LiveBell(live)

    def use_case(tx: Tx) -> None:
        bell.ring(tx, "ada")

    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        async with (
            a_server(stores, bus) as server,
            server.client(f"ada@{tenant}") as ada,
            server.client(f"bob@{tenant}") as bob,
        ):
            for client in (ada, bob):
                await client.subscribe(INBOX)
                await client.subscribe("work-item:1")

            await stores.tenants.write(tenant, use_case)
            rung = (await ada.until("ephemeral"))["ephemeral"]
            live.publish(tenant, ("work-item:1",), "Marker", {})  # type: ignore[arg-type]  # a plain topic
            seen = (await bob.until("ephemeral"))["ephemeral"]

    assert (rung["type"], rung["topics"], rung["data"]) == (
        "InboxChanged",
        [INBOX],
        {"user_id": "ada"},
    )
    assert seen["type"] == "Marker", "what came before it was not for Bob"


async def test_inboxes_integration_ring_once_for_a_member_and_a_transaction(
    tmp_path: Path,
) -> None:
    live = _Published()
    bell = LiveBell(live)

    def use_case(tx: Tx) -> None:
        for user_id in ("ada", "bob", "ada", "bob"):
            bell.ring(tx, user_id)

    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        await stores.tenants.write(tenant, use_case)
        await anyio.wait_all_tasks_blocked()
        first = list(live.topics)
        await stores.tenants.write(tenant, use_case)
        await anyio.wait_all_tasks_blocked()

    assert first == ["inbox:ada", "inbox:bob"]
    assert live.topics == first * 2


class _Published:
    """Live updates that remember their topics."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def publish(
        self, tenant_id: TenantId, topics: Sequence[Topic], type_: str, data: object
    ) -> None:
        assert tenant_id
        assert (type_, data) == ("InboxChanged", {"user_id": topics[0].partition(":")[2]})
        self.topics += topics

    def is_followed(self, tenant_id: TenantId) -> bool:
        return bool(tenant_id)
