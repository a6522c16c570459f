"""Which schedules a list has, on both databases."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.fixtures.schedules import ScheduleWorld
from tidemill.core.ids import UserId
from tidemill.core.pages import page_request
from tidemill.jobs.scheduling.schedules.models import Sought

pytestmark = [pytest.mark.anyio, pytest.mark.each_database(reason="JSON is read in columns")]


async def test_schedules_are_sought_by_owner_and_by_when_they_were_saved(
    world: ScheduleWorld,
) -> None:
    await world.a_schedule("early")
    world.clock.advance(60)
    late = await world.a_schedule("late")
    other = structs.replace(world.actor, user_id=UserId("somebody-else"))
    await world.schedules.create("others", late.definition, actor=other)
    mine = Sought(owner_id=world.actor.user_id)
    since = structs.replace(mine, updated_since=late.updated_at)

    found = [
        [
            one.path
            for one in (
                await world.schedules.list(page_request(9, None), sought, actor=world.actor)
            ).items
        ]
        for sought in (mine, since, Sought(updated_since=late.updated_at), Sought(path="late"))
    ]

    assert found == [["early", "late"], ["late"], ["late", "others"], ["late"]]
