"""How schedules are woken that run after others, on both databases."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec import structs

from tests.fixtures.schedules import ScheduleWorld
from tidemill.core.ports import Tx
from tidemill.jobs.scheduling.schedules.models import Dependency

pytestmark = pytest.mark.anyio


@pytest.mark.each_database(reason="rows are locked")
async def test_dependents_are_locked_from_what_is_awaited_towards_what_waits(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds one of them wakes what runs after it: the other way round both would wait."""
    first = await world.a_schedule("first")
    late = await world.a_schedule("late", after=[Dependency(path="first")])
    middle = await world.a_schedule("middle", after=[Dependency(path="first")])
    definition = structs.replace(
        late.definition, after=[Dependency(path="first"), Dependency(path="middle")]
    )
    await world.schedules.replace(late.id, definition, enabled=True, actor=world.actor)
    woken: list[list[str]] = []
    wake = world.book.schedules.wake

    def noted(tx: Tx, ids: Iterable[str]) -> None:
        woken.append(list(ids))
        wake(tx, woken[-1])

    monkeypatch.setattr(world.book.schedules, "wake", noted)
    world.clock.advance(60)
    await world.fire()

    together = [ids for ids in woken if len(ids) > 1]
    assert together, f"{first.path} has two"
    assert all(ids == [middle.id, late.id] for ids in together)
