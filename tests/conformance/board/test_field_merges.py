"""Changes that start from one version are merged field by field, on every kind of store."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import EditConflict
from tidemill.board.versions import Expected
from tidemill.board.work_items.models import WorkItem, WorkItemChanges

pytestmark = pytest.mark.anyio
_BASE = Expected(base=1)


async def test_field_merges_integration_a_conflict_tells_both_values_of_every_field(
    world: BoardWorld,
) -> None:
    await world.a_project()
    item = await world.an_item()
    ada = WorkItemChanges(title="Ada's", points=3, description="kept")
    await world.items.change(item.key, ada, _BASE, actor=world.actor)

    with pytest.raises(EditConflict) as conflict:
        await world.items.change(
            item.key,
            WorkItemChanges(title="Bo's", points=5, start_date=date(2026, 3, 1)),
            _BASE,
            actor=world.actor,
        )

    assert conflict.value.message == (
        'Since version 1 somebody set title to "Ada\'s", and you want "Bo\'s"; '
        'points to "3", and you want "5". Read the item again and decide.'
    )
    assert conflict.value.param == "title"


@pytest.mark.each_database(reason="transactions race")
async def test_field_merges_integration_a_hundred_racing_writers_of_one_version(
    world: BoardWorld,
) -> None:
    """Of those who write one field one wins; labels that are added all stay."""
    await world.a_project()
    item = await world.an_item()
    names = [f"label {n:02}" for n in range(20)]
    for name in names:
        await world.a_label(name)
    changes = [WorkItemChanges(add_labels=(name,)) for name in names]
    for n in range(1, 21):
        changes += [
            WorkItemChanges(title=f"Title {n}"),
            WorkItemChanges(description=f"Description {n}"),
            WorkItemChanges(points=n),
            WorkItemChanges(due_date=date(2026, 3, n)),
        ]

    results = await asyncio.gather(
        *(world.items.change(item.id, change, _BASE, actor=world.actor) for change in changes),
        return_exceptions=True,
    )

    written = [result for result in results if isinstance(result, WorkItem)]
    assert {type(result) for result in results} == {WorkItem, EditConflict}
    assert len(written) == len(names) + 4
    assert sorted(result.version for result in written) == list(range(2, 26))
    final = await world.reads.get(item.id, actor=world.actor)
    assert [label.name for label in final.labels] == names
    assert await world.versions_of(item.id) == list(range(1, 26))
    history = await world.rows(
        "SELECT old_value, new_value FROM activities WHERE tenant_id = :tenant_id "
        "AND work_item_id = :item_id AND field = 'labels' ORDER BY version",
        item_id=item.id,
    )
    assert [row[0] for row in history] == [None, *(row[1] for row in history)][:-1]
