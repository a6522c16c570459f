"""One ranking on every database: the key, titles that begin so, words, and slips (one contract)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.filter_errors import InvalidFilter, QueryTooLong
from tidemill.board.filters.parsing import parse
from tidemill.board.listing.models import Selection
from tidemill.board.search.models import Fit
from tidemill.board.work_items.models import WorkItemChanges

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="each database has a text search of its own"),
]

_HOSTILE = [
    "",
    " ",
    "!!!",
    '"',
    "'; DROP TABLE work_items; --",
    'title : "x" NEAR(a b) OR * ^ -',
    "a\0b",
    "{title} : x",
    "AND OR NOT NEAR",
    "& | ! <-> :*",
    "\u202e\ufeff\u200d",
    "日本語 テスト",
    "🦆🦆🦆",
    "́̈",
    "%_\\",
    "x" * 200,
    "a b c d e f g h i j k l m n o p",
    "TM-999999999999999",
    "ﬁn²½",
]


async def _find(world: BoardWorld, text: str, *, limit: int = 50, filter_: str = "") -> Any:
    wanted = Selection(filter=parse(filter_))
    return await world.searches.find(text, wanted, limit=limit, actor=world.actor)


async def _keys(world: BoardWorld, text: str, **options: Any) -> list[str]:
    found = await _find(world, text, **options)
    return [item.key for _, item in found.hits]


async def test_search_integration_ranks_alike_on_every_database(world: BoardWorld) -> None:
    await world.a_project()
    described = await world.an_item(title="Harbour", description="Sluice gates rust.")
    both = await world.an_item(title="Rust on the sluice gate")
    one = await world.an_item(title="The gate of Bremen", description="Its sluice.")
    longer = await world.an_item(title="Sluice gates of the north")
    exact = await world.an_item(title="Sluice Gate")
    slip = await world.an_item(title="Sluicce gatte")
    await world.an_item(title="Read the tide tables")

    found = await _find(world, "sluice gate")

    assert [(fit, item.key) for fit, item in found.hits] == [
        (Fit.TITLE, exact.key),
        (Fit.TITLE, longer.key),
        (Fit.WORDS, both.key),
        (Fit.WORDS, one.key),
        (Fit.WORDS, described.key),
        (Fit.SIMILAR, slip.key),
    ]
    assert not found.has_more
    first = await _find(world, "sluice gate", limit=2)
    assert [item.key for _, item in first.hits] == [exact.key, longer.key]
    assert first.has_more


async def test_search_integration_forgives_slips(world: BoardWorld) -> None:
    await world.a_project()
    wanted = await world.an_item(title="The tables of the sluice")
    await world.an_item(title="Something else")

    typed = ["sluise", "slucie", "sluicee", "sluic", "Slüice", "tables sluise", "TABLES"]
    found = {text: await _keys(world, text) for text in typed}

    assert found == {key: [wanted.key] for key in typed}


async def test_search_integration_jumps_to_a_key_first(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item(title="Sail")
    mention = await world.an_item(title="TM-1 is late", description="See TM-1.")

    found = await _find(world, " tm-1 ")

    assert [(fit, one.key) for fit, one in found.hits] == [
        (Fit.KEY, item.key),
        (Fit.TITLE, mention.key),
    ]


async def test_search_integration_follows_every_change_at_once(world: BoardWorld) -> None:
    project = await world.a_project()
    item = await world.an_item(title="Ebb", description="Moored boats")
    await world.import_text("title,description\nImported ebb,moored too\n")
    assert len(await _keys(world, "moored")) == 2

    changes = WorkItemChanges(title="Flood", description=None)
    await world.items.change(item.key, changes, actor=world.actor)
    assert await _keys(world, "flood") == [item.key]
    assert item.key not in await _keys(world, "moored")
    assert item.key not in await _keys(world, "ebb")

    await world.items.delete(item.key, actor=world.actor)
    assert await _keys(world, "flood") == []
    await world.items.restore(item.key, actor=world.actor)
    assert await _keys(world, "flood") == [item.key]

    await world.projects.delete(project.id, actor=world.actor)
    assert await _keys(world, "flood") == []
    assert await _keys(world, item.key) == []


async def test_search_integration_finds_items_by_their_comments_behind_the_rest(
    world: BoardWorld,
) -> None:
    await world.a_project()
    older = await world.an_item(title="Harbour")
    newer = await world.an_item(title="Mole")
    described = await world.an_item(title="Lock", description="The sluice gates jam")
    similar = await world.an_item(title="Sluize gatee")
    await world.a_comment("Ärger: the sluice gate rusts", item=older.key)
    await world.a_comment("It was the *sluice*.", item=newer.key)
    last = await world.a_comment("And the sluice's gate, too", item=newer.key)
    await world.a_comment("sluice gate", item=described.key)

    found = await _find(world, "gate sluice")

    assert [(fit, item.key) for fit, item in found.hits] == [
        (Fit.WORDS, described.key),
        (Fit.COMMENT, newer.key),
        (Fit.COMMENT, older.key),
        (Fit.SIMILAR, similar.key),
    ]
    assert await _keys(world, "gate sluice", filter_=f"key:{older.key}") == [older.key]
    assert await _keys(world, "gate sluice", filter_='comment:"sluice gate"') == [
        described.key,
        older.key,
    ]
    await world.comments.edit(last.id, "Never mind", actor=world.actor)
    assert newer.key not in await _keys(world, "gate sluice")
    assert await _keys(world, "never mind") == [newer.key]
    await world.comments.delete(last.id, actor=world.actor)
    assert await _keys(world, "never mind") == []
    await world.items.delete(older.key, actor=world.actor)
    assert await _keys(world, "arger") == []


async def test_search_integration_of_many_comments_offers_each_item_once(world: BoardWorld) -> None:
    await world.a_project()
    busy, quiet = await world.an_item(title="Busy"), await world.an_item(title="Quiet")
    await world.a_comment("driftwood", item=quiet.key)
    for _ in range(9):
        await world.a_comment("driftwood again", item=busy.key)

    assert await _keys(world, "driftwood", limit=2) == [busy.key, quiet.key]


async def test_search_integration_within_a_filter(world: BoardWorld) -> None:
    await world.a_project()
    await world.an_item(title="Gate one")
    bug = await world.an_item("bug", title="Gate two")

    assert await _keys(world, "gate", filter_="type:bug") == [bug.key]
    with pytest.raises(InvalidFilter):
        await _keys(world, "gate", filter_="sort:updated")


async def test_search_integration_hears_of_its_own_tenant_alone(world: BoardWorld) -> None:
    await world.a_project()
    await world.an_item(title="Kestrel")
    other = await a_tenant(world.stores)

    found = await world.searches.find("kestrel", Selection(), limit=50, actor=world.an_actor(other))

    assert found.hits == []


async def test_search_integration_answers_whatever_is_typed(world: BoardWorld) -> None:
    await world.a_project()
    await world.an_item(title="日本語 🦆 fin", description='\'; -- "quoted" & | !')

    for text in _HOSTILE:
        assert len((await _find(world, text)).hits) <= 1, text


async def test_search_integration_refuses_long_texts(world: BoardWorld) -> None:
    with pytest.raises(QueryTooLong):
        await _find(world, "x" * 10_240)
