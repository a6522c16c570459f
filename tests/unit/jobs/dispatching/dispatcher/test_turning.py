from __future__ import annotations

from typing import Any, cast

import pytest

from tidemill.jobs.dispatching.dispatcher.models import Demand, Ended, Ring, Turn
from tidemill.jobs.dispatching.dispatcher.turning import gather_seconds, pause_of, take_turn

pytestmark = pytest.mark.anyio

DEMAND = Demand(worker_id="w", generation=1, slots=1, tags=("default",), isolations=("fork",))


class Broken(Exception):
    """The store refuses."""


class Transactions:
    """Stands for the transactions of a turn, whose failures the test names."""

    def __init__(self, turn: Exception | None = None, followed: Exception | None = None) -> None:
        self.asked: list[str] = []
        self._turn, self._followed = turn, followed

    async def turn(self, *_: object, **__: object) -> Turn:
        self.asked.append("turn")
        if self._turn is not None:
            raise self._turn
        return Turn(ring=Ring())

    async def end_followed(self, *_: object) -> list[Any]:
        self.asked.append("followed")
        if self._followed is not None:
            raise self._followed
        return []


async def _taken(made: Transactions, *, followed: int = 0, demands: int = 1) -> tuple[Any, Any]:
    ends = cast("list[Ended]", [object()] * followed)
    wishes = [DEMAND] * demands
    return await take_turn(cast("Any", made), [], ends, wishes, Ring(), leads=False)


async def test_take_turn_asks_for_one_transaction_when_nobody_follows() -> None:
    made = Transactions()

    turn, done = await _taken(made)

    assert (made.asked, turn.ring, done) == (["turn"], Ring(), ())


async def test_take_turn_asks_for_nothing_when_there_is_nothing_to_do() -> None:
    made = Transactions()

    turn, done = await _taken(made, demands=0)

    assert (made.asked, turn.claimed, done) == ([], {}, ())


async def test_take_turn_returns_the_failure_of_either() -> None:
    refused = Broken()

    assert (await _taken(Transactions(turn=refused)))[0] is refused
    turn, done = await _taken(Transactions(turn=refused), followed=1)
    assert (turn, done) == (refused, [])
    turn, done = await _taken(Transactions(followed=refused), followed=1)
    assert isinstance(turn, Turn)
    assert done is refused


@pytest.mark.parametrize(
    ("claimed", "ended", "pauses"), [(64, 3, True), (64, 32, False), (8, 0, False)]
)
def test_pause_of_waits_for_outcomes_while_many_are_out(
    claimed: int, ended: int, *, pauses: bool
) -> None:
    assert pause_of(claimed, [], ended) == (gather_seconds if pauses else 0)
