"""A client that stops reading slows nobody, is told so, and resumes without a gap."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from tests.fixtures.stores import a_tenant, make_stores
from tests.integration.events.server import Client, a_server
from tests.unit.events.world import ThingHappened
from tidemill.core.actor import system
from tidemill.core.config import Config
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx
from tidemill.infrastructure.database import Stores
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio

FACTS = 160
# More than the buffers of two sockets hold, over all facts.
TEXT = "x" * 100_000


async def happen(stores: Stores, tenant: TenantId, number: int) -> None:
    def use_case(tx: Tx) -> None:
        tx.record(ThingHappened(n=number, text=TEXT), by=system("test", tenant))

    await stores.tenants.write(tenant, use_case)


async def numbers_until(client: Client, name: str) -> tuple[list[int], dict[str, int]]:
    """Return the numbers of the facts before the message `name`, and that message."""
    found: list[int] = []
    async with asyncio.timeout(60):
        while name not in (message := await client.receive()):
            batch = message["batch"]["messages"] if "batch" in message else [message]
            found.extend(one["header"]["seq"] for one in batch if "fact" in one)
    told: dict[str, int] = message[name]
    return found, told


async def test_websocket_integration_a_client_that_does_not_read_is_told_lagged_and_resumes(
    tmp_path: Path,
) -> None:
    config = Config()
    events = structs.replace(config.events, queued_frames_max=8)
    config = structs.replace(config, events=events)
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        async with (
            a_server(stores, InProcessBus(), config=config) as server,
            server.client(f"ada@{tenant}") as slow,
            server.client(f"bob@{tenant}") as quick,
        ):
            first = await slow.subscribe("tenant")
            await quick.subscribe("tenant")
            for number in range(1, FACTS + 1):
                await happen(stores, tenant, number)
                assert [one["header"]["seq"] for one in await quick.facts(1)] == [number]

            before, lagged = await numbers_until(slow, "lagged")
            assert before == list(range(1, lagged["from_seq"] + 1))
            assert lagged["from_seq"] < FACTS
            await slow.subscribe(
                "tenant", since=lagged["from_seq"], stream_epoch=first["stream_epoch"]
            )
            after = [one["header"]["seq"] for one in await slow.facts(FACTS - len(before))]

    assert before + after == list(range(1, FACTS + 1))
