"""What filters call by name: in any case, and however many there are."""

from __future__ import annotations

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.filters.parsing import parse
from tidemill.board.listing.models import Selection
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Tx

pytestmark = pytest.mark.anyio

_ACTIVE = """
    INSERT INTO sprints (tenant_id, id, project_id, name, status, start_date, end_date, version,
        created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :id, :project_id, :name, 'active', '2026-01-01', '2026-01-14', 1,
        :now, 'u', :now, 'u')
"""


async def _keys(world: BoardWorld, text: str) -> list[str]:
    selection = Selection(filter=parse(text))
    found = await world.listing.list(selection, PageRequest(), actor=world.actor)
    return [item.key for item in found.items]


@pytest.mark.each_database(reason="each folds letters in its own way")
async def test_filters_integration_know_names_in_any_case_of_any_letters(
    world: BoardWorld,
) -> None:
    await world.a_project()
    asa = await world.a_person("Åsa Öberg")
    sprint = await world.a_sprint("Ökotide")
    await world.an_item(assignee_id=asa)
    await world.an_item("story", sprint=sprint.id)

    assert await _keys(world, 'assignee:"åsa öberg"') == ["TM-1"]
    assert await _keys(world, "sprint:ökotide") == ["TM-2"]


@pytest.mark.each_database(reason="statements differ")
async def test_filters_integration_know_every_active_sprint(world: BoardWorld) -> None:
    project = await world.a_project()
    await world.an_item("story")
    await world.an_item("story")

    def begin(tx: Tx) -> list[str]:
        ids = [tx.new_id() for _ in range(300)]
        rows = ({"id": id_, "project_id": project.id, "name": id_} for id_ in ids)
        tx.execute_many(_ACTIVE.replace(":now", str(tx.now)), rows)
        return ids

    ids = await world.stores.tenants.write(world.tenant_id, begin)
    await world.items.change("TM-1", WorkItemChanges(sprint=max(ids)), actor=world.actor)

    assert await _keys(world, "sprint:active") == ["TM-1"]
    assert await _keys(world, "-sprint:active") == ["TM-2"]
