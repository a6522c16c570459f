"""Filters select the same items on every database as a plain look at each item does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import given, settings

from tests.fixtures.board import BoardWorld, make_board
from tests.fixtures.filters import STATUSES, WORDS, nodes
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind
from tidemill.board.custom_fields.models import GivenChoice
from tidemill.board.errors import RankNeedsProject
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.conditions import Condition, asks_for_archived
from tidemill.board.filters.evaluating import holds
from tidemill.board.filters.fields import SORTINGS
from tidemill.board.filters.models import Filter, Node
from tidemill.board.filters.parsing import parse
from tidemill.board.labels.models import NewLabel
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import Ordering, Selection
from tidemill.board.listing.service import condition_of, digest_of
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import (
    Priority,
    Sort,
    WorkItem,
    WorkItemChanges,
    WorkItemFilter,
)
from tidemill.core.pages import InvalidCursor, page_request
from tidemill.core.ports import Tx

_DAY = 86_400_000_000


async def _make_fields(world: BoardWorld) -> None:
    choices = tuple(GivenChoice(name=name) for name in ("high", "low"))
    await world.a_field("severity", "choice", choices=choices)
    await world.a_field("effort", "number", project="TM")
    await world.a_field("effort", "number", project="XX")
    await world.a_field("when", "date")
    await world.a_field("site", project="TM")
    await world.a_field("site", "link", project="XX")
    await world.a_field("tester", "user")


def _some_values(random: Random, tester: str | None) -> dict[str, Any]:
    return {
        "severity": random.choice([None, "high", "low"]),
        "effort": random.choice([None, 0, "2.5", "1.000001", -3]),
        "when": random.choice([None, "1970-01-01", "9999-12-31"]),
        "site": random.choice([None, "Quay", "a..b"]),
        "tester": random.choice([None, tester]),
    }


class _Commented:
    """An item beside the texts of its comments."""

    def __init__(self, item: WorkItem, comments: list[str]) -> None:
        self._item = item
        self.comments = comments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._item, name)


class Filled:
    """A board with items of all sorts, for many filters one after the other."""

    def __init__(self, world: BoardWorld, portal: BlockingPortal) -> None:
        self.world = world
        self._portal = portal
        self._comments: dict[str, list[str]] = {}
        self.items: list[WorkItem] = portal.call(self._fill)

    def commented(self, item: WorkItem) -> Any:
        """Return an item with the texts of its comments."""
        texts = self._comments.get(item.key, [])
        return _Commented(item, texts)

    def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run a coroutine function in the loop of the board."""
        return self._portal.call(call, *arguments)

    def keys(self, text: str, limit: int = 200, **fields: Any) -> list[str]:
        """Return the keys of what a filter lists, from page to page."""

        async def collect() -> list[str]:
            selection = Selection(filter=parse(text), **fields)
            found: list[str] = []
            cursor = None
            while True:
                page = page_request(limit, cursor, digest_of(selection))
                answer = await self.world.listing.list(selection, page, actor=self.world.actor)
                found += [item.key for item in answer.items]
                cursor = answer.next_cursor
                if cursor is None:
                    return found

        return cast("list[str]", self.run(collect))

    async def ordering(self, name: str, is_descending: bool) -> Ordering:
        """Return an order by its name."""
        if name in SORTINGS:
            return Ordering(SORTINGS[name].column, is_descending)
        key = name.removeprefix("cf.")
        page = await self.world.custom_fields.list(
            page_request(200, None), project=None, actor=self.world.actor
        )
        ids = tuple(field.id for field in page.items if field.key == key)
        return Ordering(name, is_descending, ids, key == "effort")

    def refusal(self, text: str, **fields: Any) -> str:
        """Return why a filter is refused."""
        with pytest.raises(InvalidFilter) as caught:
            self.keys(text, **fields)
        return caught.value.message

    async def _comment(self, random: Random) -> None:
        for key in [f"TM-{number}" for number in range(3, 30, 3)]:
            texts = [" ".join(random.choices(WORDS, k=4)) for _ in range(3)]
            last = [await self.world.a_comment(text, item=key) for text in texts][-1]
            await self.world.comments.delete(last.id, actor=self.world.actor)
            self._comments[key] = texts[:-1]

    async def _fill(self) -> list[WorkItem]:
        world, random = self.world, Random(7)  # noqa: S311 - the same items in each run
        await world.a_project()
        await world.a_project("XX")
        people = [await world.a_person("Ada"), await world.a_person("bob"), world.actor.user_id]
        epic = await world.an_item("epic", title="Ärger mit der Tide")
        for number in range(40):
            words = random.choices(WORDS, k=4)
            await world.an_item(
                random.choice(["story", "bug"]),
                parent=random.choice([epic.key, None]),
                title=" ".join(words),
                description=random.choice([None, "-".join(random.choices(WORDS, k=3))]),
                status=random.choice(STATUSES),
                priority=random.choice(list(Priority)),
                external_id=str(number) if number < 5 else None,
            )
        await world.an_item(project="XX", title="sluice gate")
        labels = [NewLabel(name=name) for name in ("urgent", "later", "gone")]
        labels.append(NewLabel(name="Later", project="XX"))
        made = [await world.labels.create(label, actor=world.actor) for label in labels]
        await _make_fields(world)
        sprints = [(await world.a_sprint(name)).id for name in ("Spring", "Neap")]
        await world.sprints.start(sprints[0], actor=world.actor)
        for number in range(2, 30):
            changes = WorkItemChanges(
                points=random.choice([None, 0, 1, 3, 5]),
                start_date=random.choice([None, date(1969, 12, 31)]),
                due_date=random.choice([None, date(1970, 1, 1), date(1970, 1, 2), date.max]),
                sprint=random.choice([None, *sprints]),
                add_labels=random.choice([(), ("urgent",), ("later", "gone"), ("gone",)]),
                custom_fields=_some_values(random, people[0]),
            )
            await world.items.change(f"TM-{number}", changes, actor=world.actor)
        await self._comment(random)
        await world.labels.delete(made[2].id, actor=world.actor)

        def scatter(tx: Tx) -> None:
            rows = tx.all("SELECT id FROM work_items WHERE tenant_id = :tenant_id ORDER BY id")
            for row in rows:
                tx.execute(
                    "UPDATE work_items SET created_at = :created, updated_at = :updated, "
                    "created_by = :by, assignee_id = :assignee "
                    "WHERE tenant_id = :tenant_id AND id = :id",
                    id=row[0],
                    created=random.choice([0, _DAY, _DAY + 36_000_000_000, tx.now - _DAY, tx.now]),
                    updated=random.choice([0, _DAY - 1, tx.now - 2 * _DAY, tx.now]),
                    by=random.choice(people),
                    assignee=random.choice([*people, None]),
                )

        await world.stores.tenants.write(world.tenant_id, scatter)
        for key in ("TM-31", "TM-33", "XX-1"):
            await world.items.change(key, WorkItemChanges(archived=True), actor=world.actor)
        both = Selection(filter=parse("is:archived OR -is:archived"))
        page = page_request(200, None)
        return (await world.listing.list(both, page, actor=world.actor)).items


@pytest.fixture(scope="module", params=KINDS_BY_TIER)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    kind = cast("StoresKind", request.param)
    directory: Path = tmp_path_factory.mktemp("filters")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(make_board(kind, directory)) as world,
    ):
        yield Filled(world, portal)


@pytest.mark.each_database(reason="filters are compiled to each dialect")
def test_filter_integration_agrees_with_a_look_at_each_item(filled: Filled) -> None:
    @settings(max_examples=120, deadline=None)
    @given(nodes())
    def agree(node: Node) -> None:
        selection = Selection(filter=Filter(node))

        async def both() -> tuple[Condition, list[WorkItem]]:
            tenants, tenant_id = filled.world.stores.tenants, filled.world.tenant_id

            def bind(tx: Tx) -> Condition:
                return condition_of(tx, selection, filled.world.actor, Labelling(BoardLimits()))

            condition = await tenants.read(tenant_id, bind)
            page = page_request(200, None)
            answer = await filled.world.listing.list(selection, page, actor=filled.world.actor)
            return condition, answer.items

        condition, found = filled.run(both)
        asks = asks_for_archived(condition)
        shown = [item for item in filled.items if asks or item.archived_at is None]
        expected = {item.key for item in shown if holds(condition, filled.commented(item))}
        assert {item.key for item in found} == expected

    agree()


@pytest.mark.parametrize("name", [*sorted(SORTINGS), "cf.effort", "cf.when"])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.each_database(reason="each database sorts in its own way")
def test_filter_integration_pages_lose_and_repeat_nothing(
    filled: Filled, name: str, sign: str
) -> None:
    text = f"project:TM -status:cancelled sort:{sign}{name}"
    whole = filled.keys(text)

    paged = filled.keys(text, limit=7)

    items = {item.key: item for item in filled.items}
    assert paged == whole
    assert len(set(whole)) == len(whole) > 20
    ordering = filled.run(filled.ordering, name, bool(sign))
    values: list[Any] = [ordering.key(items[key])[0] for key in whole]
    assert values == sorted(values, reverse=bool(sign))


def test_filter_integration_joins_parameters_and_filter(filled: Filled) -> None:
    project = filled.items[-1].project_id
    parameters = WorkItemFilter(project_id=project, status="todo", sort=Sort.RANK)

    both = filled.keys("type:bug", parameters=parameters)

    assert both == filled.keys("project:TM status:todo type:bug sort:rank")
    assert "parameter sort" in filled.refusal("sort:rank", parameters=parameters)


def test_filter_integration_days_belong_to_a_time_zone(filled: Filled) -> None:
    """What was made at midnight of UTC belongs to the day before in New York."""
    zone = ZoneInfo("America/New_York")

    assert filled.keys("created:1969-12-31") == []
    there = filled.keys("created:1969-12-31", zone=zone)
    assert there
    assert there == filled.keys("created<1970-01-01T00:01Z")


def test_filter_integration_a_cursor_of_another_filter_is_refused(filled: Filled) -> None:
    async def go() -> None:
        world = filled.world
        selection = Selection(filter=parse("type:bug"))
        page = page_request(2, None, digest_of(selection))
        first = await world.listing.list(selection, page, actor=world.actor)
        assert first.next_cursor is not None
        other = Selection(filter=parse("type:bug,story"))
        with pytest.raises(InvalidCursor):
            page_request(2, first.next_cursor, digest_of(other))

    filled.run(go)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("status:tood", "Column 8: Unknown status tood. Did you mean todo?"),
        ("is:opne", "Column 4: Unknown state opne. Did you mean open?"),
        ("priority>hihg", "Column 10: Unknown priority hihg. Did you mean high?"),
        ("project:NO", "Column 9: There is no project NO."),
        ("key:TM-999", "Column 5: There is no work item TM-999."),
        ("a assignee:Zoe", "Column 12: There is nobody called Zoe."),
        ("created:soon", "Column 9: soon is no date."),
        ("created:2026-02-30", "Column 9: 2026-02-30 is no date."),
        ("created:-7d", "Column 9: -7d is one instant. Write < or > instead of the colon."),
        ('"--"', "Column 1: There is no letter and no digit in --."),
        ("points:x", "Column 8: x is no whole number"),
        ("due:2h", "Column 5: 2h is no day."),
        ("label:gone", "Column 7: There is no label gone."),
        ("cf.nothing:1", "Column 1: There is no custom field nothing."),
        ("cf.severity:hihg", "Column 13: Unknown choice of cf.severity hihg. Did you mean high?"),
        ("cf.effort:much", "Column 11: much is no number"),
        ("cf.site>quay", "Column 9: cf.site has no order, so > says nothing. Write cf.site:."),
        ("sort:cf.nothing", "Column 6: There is no custom field nothing."),
        ("sort:cf.severity", "Column 6: cf.severity has no order: number and date fields"),
        ("sort:cf.site", "Column 6: cf.site has another type in another project"),
        ("no:cf.nothing", "Column 4: There is no custom field nothing."),
        ("has:title", "Column 5: Unknown field that can be empty, title."),
        ("sort:rank", "Column 6: sort:rank is an order within a project."),
    ],
)
def test_filter_integration_refuses_what_is_not_there(
    filled: Filled, text: str, problem: str
) -> None:
    assert filled.refusal(text).startswith(problem)


def test_filter_integration_dots_are_a_range_only_where_there_is_an_order(filled: Filled) -> None:
    dotted = {item.key for item in filled.items if item.custom_fields.get("site") == "a..b"}

    assert set(filled.keys("cf.site:a..b OR cf.site:a..b is:archived")) == dotted
    assert filled.keys("cf.effort:1..3") == filled.keys("cf.effort>=1 cf.effort<=3")


def test_list_integration_by_rank_needs_a_project(filled: Filled) -> None:
    with pytest.raises(RankNeedsProject):
        filled.keys("type:bug", parameters=WorkItemFilter(sort=Sort.RANK))
