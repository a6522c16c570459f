"""Time reports on a file, in a schema and in a shared schema: days over changed clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import UnknownTimeZone
from tidemill.board.time_errors import InvalidPeriod
from tidemill.board.time_reports.models import Group, Grouping, Report, ReportQuery
from tidemill.board.time_reports.schemas import TimeReportPage
from tidemill.board.time_tracking.models import NewTimeEntry
from tidemill.board.time_tracking.spans import Times
from tidemill.core.pages import page_request

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="each database sums over days in its own way"),
]

BERLIN = ZoneInfo("Europe/Berlin")


async def enter(world: BoardWorld, item: str, moment: datetime, seconds: int) -> None:
    times = Times(started_at=int(moment.timestamp()), duration_seconds=seconds)
    await world.time_entries.create(NewTimeEntry(work_item=item, times=times), actor=world.actor)


async def enter_day(world: BoardWorld, item: str, day: date, seconds: int) -> None:
    times = Times(date=day, duration_seconds=seconds)
    await world.time_entries.create(NewTimeEntry(work_item=item, times=times), actor=world.actor)


def asked(*grouped_by: Grouping, first: date, last: date, **fields: Any) -> ReportQuery:
    zone = fields.pop("zone", "Europe/Berlin")
    return ReportQuery(grouped_by=grouped_by, time_zone=zone, first=first, last=last, **fields)


async def report(world: BoardWorld, query: ReportQuery, limit: int = 50) -> Report:
    return await world.time_reports.report(query, page_request(limit, None), actor=world.actor)


async def paged(world: BoardWorld, query: ReportQuery, limit: int) -> list[Group]:
    groups: list[Group] = []
    page = page_request(limit, None)
    while True:
        found = await world.time_reports.report(query, page, actor=world.actor)
        groups += found.groups.items
        if found.groups.next_cursor is None:
            return groups
        page = page_request(limit, found.groups.next_cursor)


def days(found: Report) -> list[tuple[str | None, int]]:
    return [(each.day, each.seconds) for each in TimeReportPage.of(found).items]


async def test_time_reports_integration_days_are_those_of_the_zone(world: BoardWorld) -> None:
    """Clocks went forward on 2026-03-29 at 2:00 in Berlin, and back on 2025-10-26 at 3:00."""
    await world.a_project()
    item = await world.an_item()
    for month, day, hour, minute, seconds in (
        (3, 28, 23, 59, 1),
        (3, 29, 0, 0, 10),
        (3, 29, 1, 59, 100),
        (3, 29, 3, 0, 1_000),
        (3, 29, 23, 59, 10_000),
        (3, 30, 0, 0, 20_000),
    ):
        moment = datetime(2026, month, day, hour, minute, tzinfo=BERLIN)
        await enter(world, item.key, moment, seconds)
    # The day that has 25 hours ends at 23:00 UTC, and began at 22:00 UTC.
    for hour, day, seconds in ((21, 25, 1), (22, 25, 10), (22, 26, 100), (23, 26, 1_000)):
        await enter(world, item.key, datetime(2025, 10, day, hour, 30, tzinfo=UTC), seconds)
    # Of this the day alone is known: it is the same one everywhere.
    await enter_day(world, item.key, date(2026, 3, 29), 50_000)

    spring = asked(Grouping.DAY, first=date(2026, 3, 28), last=date(2026, 3, 30))
    autumn = asked(Grouping.DAY, first=date(2025, 10, 25), last=date(2025, 10, 27))
    one_day = asked(Grouping.DAY, first=date(2026, 3, 29), last=date(2026, 3, 29))
    apia = asked(Grouping.DAY, first=date(2026, 3, 28), last=date(2026, 3, 31), zone="Pacific/Apia")

    found = await report(world, spring)
    assert days(found) == [
        ("2026-03-28", 1),
        ("2026-03-29", 61_110),
        ("2026-03-30", 20_000),
    ]
    assert (found.entries, found.seconds) == (7, 81_111)
    assert days(await report(world, autumn)) == [
        ("2025-10-25", 1),
        ("2025-10-26", 110),
        ("2025-10-27", 1_000),
    ]
    assert days(await report(world, one_day)) == [("2026-03-29", 61_110)]
    assert days(await report(world, apia)) == [
        ("2026-03-29", 51_111),
        ("2026-03-30", 30_000),
    ]


async def test_time_reports_integration_group_by_what_is_asked(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_project("SE")
    items = [await world.an_item(), await world.an_item(), await world.an_item(project="SE")]
    monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    for place, item in enumerate(items):
        for day in range(8):
            await enter(world, item.key, monday.replace(day=2 + day), 10**place)
    await world.timers.start(items[0].key, actor=world.actor)
    march: dict[str, Any] = {"first": date(2026, 3, 1), "last": date(2026, 3, 31), "zone": "UTC"}

    by_project = await report(world, asked(Grouping.PROJECT, **march))
    by_item = TimeReportPage.of(await report(world, asked(Grouping.ITEM, **march)))
    by_week = TimeReportPage.of(
        await report(world, asked(Grouping.WEEK, work_item_id=items[0].id, **march))
    )
    query = asked(Grouping.USER, Grouping.DAY, Grouping.ITEM, **march)
    groups = await paged(world, query, limit=5)

    assert {each.project_key: each.seconds for each in by_project.groups.items} == {
        "TM": 88,
        "SE": 800,
    }
    assert by_project.seconds == 888
    assert {each.work_item.key: each.seconds for each in by_item.items if each.work_item} == {
        "TM-1": 8,
        "TM-2": 80,
        "SE-1": 800,
    }
    assert [(each.week, each.seconds) for each in by_week.items] == [
        ("2026-03-02", 7),
        ("2026-03-09", 1),
    ]
    assert len(groups) == 24
    assert sum(each.seconds for each in groups) == 888
    keys = [(each.user_id, each.day, each.work_item_id) for each in groups]
    assert keys == sorted(keys, key=str)
    with pytest.raises(UnknownTimeZone):
        await report(world, asked(Grouping.DAY, **{**march, "zone": "Mars/Olympus"}))
    with pytest.raises(InvalidPeriod):
        await report(world, asked(Grouping.DAY, first=date(2026, 3, 2), last=date(2026, 3, 1)))
