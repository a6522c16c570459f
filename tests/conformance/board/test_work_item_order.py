"""Where items stand in their project, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import (
    EditConflict,
    PlaceAmbiguous,
    RankNeedsProject,
    WorkItemNotFound,
    WrongNeighbour,
)
from tidemill.board.ranking.ranks import LENGTH_MAX
from tidemill.board.versions import Expected
from tidemill.board.work_items.models import Sort, WorkItem, WorkItemChanges, WorkItemFilter
from tidemill.core.pages import PageRequest, page_request

pytestmark = pytest.mark.anyio


async def order(world: BoardWorld, *, limit: int = 50) -> list[str]:
    """Return the titles of the project `TM` by rank, read page by page."""
    project = (await world.projects.get("TM", actor=world.actor)).id
    wanted = WorkItemFilter(project_id=project, sort=Sort.RANK)
    titles: list[str] = []
    page = page_request(limit, None, "")
    while True:
        found = await world.reads.list(wanted, page, actor=world.actor)
        titles += [item.title for item in found.items]
        if found.next_cursor is None:
            return titles
        page = page_request(limit, found.next_cursor, "")


async def move(world: BoardWorld, reference: str, **place: Any) -> WorkItem:
    return await world.items.change(reference, WorkItemChanges(**place), actor=world.actor)


async def items(world: BoardWorld, titles: str) -> dict[str, WorkItem]:
    """Return new items of a new project, by their one-letter titles."""
    await world.a_project()
    return {title: await world.an_item(title=title) for title in titles}


async def test_order_integration_of_new_items_is_that_of_their_making(world: BoardWorld) -> None:
    await items(world, "abc")
    await world.import_text("title\nd\ne\n")

    assert await order(world, limit=2) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("moved", "place", "expected"),
    [
        ("d", {"after": "a"}, "adbc"),
        ("a", {"before": "d"}, "bcad"),
        ("c", {"after": None}, "cabd"),
        ("b", {"before": None}, "acdb"),
        ("a", {"after": "d"}, "bcda"),
        ("d", {"before": "a"}, "dabc"),
    ],
)
async def test_order_integration_a_moved_item_stands_next_to_the_one_that_was_named(
    world: BoardWorld, moved: str, place: dict[str, str | None], expected: str
) -> None:
    made = await items(world, "abcd")
    named = {side: made[title].key if title else None for side, title in place.items()}

    after = await move(world, made[moved].id, **named)

    assert await order(world) == list(expected)
    assert after.version == 2
    facts = await world.fact_types()
    assert facts[-1] == "WorkItemUpdated"
    assert facts.count("WorkItemUpdated") == 1
    changes = await world.reads.activity(made[moved].key, PageRequest(), actor=world.actor)
    assert [(row.field, row.new_value) for row in changes.items[:1]] == [("rank", after.rank)]


async def test_order_integration_an_item_that_stands_there_already_does_not_change(
    world: BoardWorld,
) -> None:
    made = await items(world, "abc")

    for place in ({"after": "TM-1"}, {"before": "TM-3"}):
        assert (await move(world, made["b"].id, **place)).version == 1
    assert (await move(world, made["a"].id, after=None)).version == 1
    assert (await move(world, made["c"].id, before=None)).version == 1


async def test_order_integration_a_card_goes_to_another_column_and_place_in_one_change(
    world: BoardWorld,
) -> None:
    made = await items(world, "abc")

    moved = await move(world, made["c"].id, status="todo", before="TM-1")

    assert (moved.status, moved.version) == ("todo", 2)
    assert await order(world) == ["c", "a", "b"]


async def test_order_integration_a_move_does_not_meet_an_edit_of_the_text(
    world: BoardWorld,
) -> None:
    made = await items(world, "abc")
    await move(world, made["c"].id, after=None)

    edited = await world.items.change(
        made["c"].id, WorkItemChanges(title="C"), Expected(base=1), actor=world.actor
    )
    with pytest.raises(EditConflict):
        await world.items.change(
            made["c"].id, WorkItemChanges(before=None), Expected(base=1), actor=world.actor
        )

    assert edited.version == 3
    assert await order(world) == ["C", "a", "b"]


async def test_order_integration_a_deleted_item_comes_back_to_its_place(world: BoardWorld) -> None:
    made = await items(world, "abc")
    await world.items.delete(made["b"].id, actor=world.actor)
    await move(world, made["c"].id, after="TM-1")
    await world.items.restore(made["b"].id, actor=world.actor)

    assert await order(world) == ["a", "c", "b"]


async def test_order_integration_refuses_a_place_that_there_is_not(world: BoardWorld) -> None:
    made = await items(world, "ab")
    await world.a_project("OTHER")
    foreign = await world.an_item(project="OTHER")
    await world.items.delete(made["b"].id, actor=world.actor)

    with pytest.raises(WorkItemNotFound) as gone:
        await move(world, made["a"].id, before="TM-2")
    with pytest.raises(WrongNeighbour):
        await move(world, made["a"].id, after=foreign.key)
    with pytest.raises(WrongNeighbour):
        await move(world, made["a"].id, after="TM-1")
    with pytest.raises(PlaceAmbiguous):
        await move(world, made["a"].id, after="TM-1", before="TM-2")
    with pytest.raises(RankNeedsProject):
        await world.reads.list(WorkItemFilter(sort=Sort.RANK), PageRequest(), actor=world.actor)

    assert gone.value.param == "before_id"


@pytest.mark.each_database(reason="transactions race")
async def test_order_integration_racing_moves_to_one_place_all_count(world: BoardWorld) -> None:
    made = await items(world, "abcdefgh")

    await asyncio.gather(*(move(world, made[title].id, after="TM-1") for title in "cdefgh"))

    titles = await order(world)
    assert titles[0] == "a"
    assert titles[-1] == "b"
    assert sorted(titles) == list("abcdefgh")


async def test_order_integration_ranks_that_grew_long_are_made_anew_in_the_same_order(
    world: BoardWorld,
) -> None:
    made = await items(world, "abcd")
    expected = ["a", "b", "c", "d"]
    moves = 0
    while "WorkItemsReordered" not in await world.fact_types():
        # Two items take turns right behind the first: the gap there halves each time.
        title = "cd"[moves % 2]
        await move(world, made[title].id, after="TM-1")
        expected.remove(title)
        expected.insert(1, title)
        moves += 1

    rows = await world.rows("SELECT title, rank FROM work_items WHERE tenant_id = :tenant_id")
    ranks = {str(title): str(rank) for title, rank in rows}
    assert await order(world) == expected
    assert max(len(rank) for rank in ranks.values()) < LENGTH_MAX / 2
    assert moves > LENGTH_MAX
    data = await world.rows(
        "SELECT data FROM stream WHERE tenant_id = :tenant_id AND type = 'WorkItemsReordered'"
    )
    told = msgspec.json.decode(data[0][0])
    assert told["project_id"] == made["a"].project_id
    assert {made[title].id: rank for title, rank in ranks.items()} == dict(told["ranks"])
