from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.stores import KINDS, StoresKind
from tests.unit.events.world import World, a_user, a_world
from tidemill.core.ports import Tx
from tidemill.events.errors import TicketRefused
from tidemill.events.tickets.service import Tickets

pytestmark = pytest.mark.anyio


@pytest.fixture(params=KINDS[:2])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    kind: StoresKind = request.param
    async with a_world(tmp_path, kind) as world:
        yield world


async def test_redeem_returns_the_actor_once(world: World) -> None:
    tickets = Tickets(world.stores.control, seconds=30)
    actor = a_user(world.tenant)
    ticket = await tickets.issue(actor=actor)

    assert await tickets.redeem(ticket.secret) == actor
    with pytest.raises(TicketRefused):
        await tickets.redeem(ticket.secret)


async def test_redeem_refuses_a_ticket_after_its_time(world: World) -> None:
    tickets = Tickets(world.stores.control, seconds=30)
    ticket = await tickets.issue(actor=a_user(world.tenant))

    world.clock.advance(31)

    with pytest.raises(TicketRefused):
        await tickets.redeem(ticket.secret)


async def test_issue_keeps_no_secret_and_forgets_old_tickets(world: World) -> None:
    tickets = Tickets(world.stores.control, seconds=30)
    await tickets.issue(actor=a_user(world.tenant))
    world.clock.advance(31)
    ticket = await tickets.issue(actor=a_user(world.tenant))

    def stored(tx: Tx) -> list[str]:
        return [" ".join(map(str, row)) for row in tx.all("SELECT * FROM ws_tickets")]

    rows = await world.stores.control.read(world.tenant, stored)
    assert len(rows) == 1
    assert ticket.secret not in rows[0]


async def test_redeem_of_a_ticket_that_never_was_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks has no credential: it must not keep the one writer busy."""

    async def write(*_: Any, **__: Any) -> None:
        raise AssertionError("it wrote")

    monkeypatch.setattr(world.stores.control, "write", write)

    with pytest.raises(TicketRefused):
        await Tickets(world.stores.control, seconds=30).redeem("garbage")
