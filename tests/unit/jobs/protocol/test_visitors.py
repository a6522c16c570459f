"""Who may stay when strangers have taken all of their places."""

from __future__ import annotations

import pytest
from msgspec import Struct

from tidemill.jobs.protocol.connection import dispatcher_end
from tidemill.jobs.protocol.receiving import STRANGER
from tidemill.jobs.protocol.visitors import Visitor, Visitors

pytestmark = pytest.mark.anyio


class Door(Struct, frozen=True):
    """A listener's visitors, four of whom may be strangers."""

    visitors: Visitors

    def knock(self, *addresses: str) -> list[Visitor]:
        """Connect from each address."""
        came = []
        for address in addresses:
            visitor = self.visitors.enter(address)
            assert visitor is not None
            visitor.connection = dispatcher_end(windows=STRANGER, peer=address)
            came.append(visitor)
        return came

    def here(self) -> list[str]:
        """Return the addresses of those that may stay."""
        return [visitor.address for visitor in self.visitors]


@pytest.fixture
async def door() -> Door:
    return Door(Visitors(connections_max=6, strangers_max=4))


async def test_enter_sends_the_oldest_away_of_the_network_with_the_most(door: Door) -> None:
    first, oldest, *_ = door.knock("10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2")

    door.knock("10.0.0.3")

    assert oldest.connection is not None
    assert oldest.connection.closed
    assert first in set(door.visitors)
    assert door.here() == ["10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.3"]


async def test_enter_sends_the_oldest_away_where_each_comes_from_elsewhere(door: Door) -> None:
    door.knock(*(f"10.0.0.{number}" for number in range(5)))

    assert door.here() == [f"10.0.0.{number}" for number in range(1, 5)]


async def test_enter_takes_the_addresses_of_one_host_for_one(door: Door) -> None:
    door.knock("10.0.0.1", *(f"2001:db8::{number}" for number in range(1, 4)), "10.0.0.2")

    assert door.here() == ["10.0.0.1", "2001:db8::2", "2001:db8::3", "10.0.0.2"]


async def test_enter_sends_no_worker_away(door: Door) -> None:
    for _ in range(5):
        (worker,) = door.knock("10.0.0.1")
        assert worker.connection is not None
        worker.connection.widen()
    stranger, last = door.knock("10.0.0.2", "10.0.0.3")
    assert last.connection is not None
    last.connection.widen()

    assert door.visitors.enter("10.0.0.4") is None
    assert stranger not in set(door.visitors)
    assert door.here() == ["10.0.0.1"] * 5 + ["10.0.0.3"]
