"""What a line of quick add names, on every kind of store."""

from __future__ import annotations

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.limits import BoardLimits
from tidemill.board.quick_add.service import QuickAddService
from tidemill.board.quick_add_errors import InvalidQuickText

pytestmark = pytest.mark.anyio


async def test_quick_add_integration_finds_people_labels_and_sprints(world: BoardWorld) -> None:
    quick_adds = QuickAddService(world.stores.tenants, BoardLimits(), lambda: None)
    await world.a_project()
    ada = await world.a_person("Ada Lovelace")
    await world.a_person("Bob Ross")
    await world.a_person("Bob Dylan")
    await world.a_label("Harbour")
    sprint = await world.a_sprint("Spring tide")
    later = await world.a_sprint("Neap tide")
    await world.sprints.start(sprint.id, actor=world.actor)

    async def refusal(text: str) -> str:
        with pytest.raises(InvalidQuickText) as refused:
            await quick_adds.add(text, "TM", actor=world.actor)
        return refused.value.message

    made = await quick_adds.add("Fix it @ada #harbour sprint:current #bug", "tm", actor=world.actor)
    named = await quick_adds.add('Go sprint:"neap TIDE"', "TM", actor=world.actor)
    mine = await quick_adds.understood("Go sprint:next", "TM", actor=world.actor)

    assert (made.assignee_id, made.item_type, made.sprint_id) == (ada, "bug", sprint.id)
    assert [label.name for label in made.labels] == ["Harbour"]
    assert named.sprint_id == later.id
    assert mine.sprint is not None
    assert mine.sprint.id == later.id
    assert "several members: Bob Ross, Bob Dylan." in await refusal("x @bob")
    assert "Did you mean Ada Lovelace?" in await refusal("x @adalovelase")
    assert "Did you mean Harbour?" in await refusal("x #harbor")
    assert "There are Spring tide, Neap tide." in await refusal("x sprint:ebb")
    assert (await world.reads.get("TM-2", actor=world.actor)).title == "Go"
