"""Time entries on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from msgspec import UNSET

from tests.fixtures.actors import a_person
from tests.fixtures.board import BoardWorld
from tidemill.board.job_times.service import JobBooking
from tidemill.board.time_contract import JobTime, TimeEntryState
from tidemill.board.time_errors import (
    NotYourTimeEntry,
    TimeEntryChanged,
    TimeEntryNotFound,
    TimeInFuture,
    TimeUserNotMember,
)
from tidemill.board.time_tracking.models import (
    NewTimeEntry,
    TimeEntryChanges,
    TimeEntryFilter,
    TimeSource,
    Tracked,
)
from tidemill.board.time_tracking.spans import Times
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor, Role, system
from tidemill.core.clock import Instant
from tidemill.core.pages import page_request
from tidemill.core.ports import Tx
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio

# 2026-03-02, a Monday, 9:00 UTC.
NINE = 1_772_442_000


async def enter(
    world: BoardWorld,
    item: str,
    begin: int = NINE,
    seconds: int = 3_600,
    *,
    by: Actor | None = None,
    **fields: Any,
) -> Tracked:
    times = Times(started_at=begin, duration_seconds=seconds)
    new = NewTimeEntry(work_item=item, times=times, **fields)
    return await world.time_entries.create(new, actor=by or world.actor)


async def test_time_entries_integration_tell_what_they_overlap(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    first = await enter(world, item.key)

    beside = await enter(world, item.key, NINE + 3_600)
    inside = await enter(world, item.key, NINE + 600, 60)
    of_another = await enter(world, item.key, by=world.an_actor())
    of_the_day = await world.time_entries.create(
        NewTimeEntry(
            work_item=item.key, times=Times(date=date(2026, 3, 2), duration_seconds=7_200)
        ),
        actor=world.actor,
    )
    read = await world.time_entries.get(first.entry.id, actor=world.actor)

    assert (first.overlaps, beside.overlaps, of_another.overlaps) == ((), (), ())
    assert [each.id for each in inside.overlaps] == [first.entry.id]
    assert [each.id for each in read.overlaps] == [inside.entry.id]
    assert (of_the_day.overlaps, of_the_day.entry.date) == ((), "2026-03-02")
    assert of_the_day.entry.span.seconds == 7_200
    assert [each.entry.source for each in (first, of_the_day)] == [TimeSource.MANUAL] * 2
    with pytest.raises(TimeInFuture):
        await enter(world, item.key, world.clock.now() // 1_000_000 + 120)


async def test_time_entries_integration_are_written_by_their_people_and_admins(
    world: BoardWorld,
) -> None:
    """Members write their own; admins may write all, in the name of members."""
    await world.a_project()
    item = await world.an_item()
    ada = await world.a_person("Ada")
    admin = a_person(world.tenant_id, Role.ADMIN)
    entry = (await enter(world, item.key)).entry
    stranger = world.an_actor()
    longer = TimeEntryChanges(times=Times(duration_seconds=7_200))

    with pytest.raises(NotYourTimeEntry):
        await world.time_entries.change(entry.id, longer, actor=stranger)
    with pytest.raises(NotYourTimeEntry):
        await world.time_entries.delete(entry.id, actor=stranger)
    with pytest.raises(NotYourTimeEntry):
        await enter(world, item.key, by=stranger, user_id=ada)
    with pytest.raises(TimeUserNotMember):
        await enter(world, item.key, by=admin, user_id="nobody")
    changed = await world.time_entries.change(entry.id, longer, actor=admin)
    for_ada = await enter(world, item.key, by=admin, user_id=ada)

    assert (changed.entry.span.seconds, changed.entry.version) == (7_200, 2)
    assert (changed.entry.user_id, changed.entry.updated_by) == (entry.user_id, admin.user_id)
    assert (for_ada.entry.user_id, for_ada.entry.user_name) == (ada, "Ada")
    await world.time_entries.delete(entry.id, actor=admin)
    with pytest.raises(TimeEntryNotFound):
        await world.time_entries.get(entry.id, actor=world.actor)


@pytest.mark.each_database(reason="transactions race")
async def test_time_entries_integration_of_racing_changes_one_wins(world: BoardWorld) -> None:
    await world.a_project()
    item, other = await world.an_item(), await world.an_item()
    entry = (await enter(world, item.key)).entry

    raced = await asyncio.gather(
        *(
            world.time_entries.change(
                entry.id,
                TimeEntryChanges(work_item=other.key, description=f"{n}"),
                Expected(if_match=1) if n % 2 else Expected(version=1),
                actor=world.actor,
            )
            for n in range(6)
        ),
        return_exceptions=True,
    )

    won = [each for each in raced if isinstance(each, Tracked)]
    lost = [each for each in raced if isinstance(each, VersionChanged | TimeEntryChanged)]
    assert (len(won), len(lost)) == (1, 5), [type(each) for each in raced]
    assert (won[0].entry.version, won[0].entry.item_key) == (2, "TM-2")
    [fact] = await world.rows(
        "SELECT topics FROM stream WHERE tenant_id = :tenant_id AND type = 'TimeEntryUpdated'"
    )
    assert item.id in fact[0], "who follows the item that it left hears of it"
    assert other.id in fact[0]
    same = await world.time_entries.change(
        entry.id, TimeEntryChanges(description=UNSET), actor=world.actor
    )
    assert same.entry.version == 2


async def test_time_entries_integration_lists_are_filtered_and_paged(world: BoardWorld) -> None:
    """R034: the entries of an item, and of everything else that a filter names."""
    project = await world.a_project()
    other = await world.a_project("SE")
    item, second = await world.an_item(), await world.an_item(project="SE")
    bob = world.an_actor()
    made = [(await enter(world, item.key, NINE + 10 * n, 5)).entry.id for n in range(5)]
    beside = (await enter(world, second.key, NINE + 25, 5, by=bob)).entry.id
    # Deleted: seen in no list.
    gone = (await enter(world, item.key, NINE, 5)).entry.id
    await world.time_entries.delete(gone, actor=world.actor)

    async def listed(limit: int = 50, **wanted: Any) -> list[str]:
        ids: list[str] = []
        page = page_request(limit, None)
        while True:
            found = await world.time_entries.list(
                TimeEntryFilter(**wanted), page, actor=world.actor
            )
            ids += [entry.id for entry in found.items]
            if found.next_cursor is None:
                return ids
            page = page_request(limit, found.next_cursor)

    newest_first = [made[4], made[3], beside, made[2], made[1], made[0]]
    assert await listed() == newest_first
    assert await listed(limit=2) == newest_first
    assert await listed(user_id=bob.id) == [beside]
    assert await listed(project_id=project.id) == made[::-1]
    assert await listed(work_item_id=second.id) == [beside]
    since, until = ((NINE + seconds) * 1_000_000 for seconds in (10, 30))
    assert await listed(since=Instant(since), until=Instant(until)) == [beside, made[2], made[1]]
    await world.timers.start(item.key, actor=bob)
    of_item, spent = await world.time_entries.list_of_item("TM-1", page_request(3, None), actor=bob)
    await world.timers.discard(actor=bob)
    assert [entry.id for entry in of_item.items[1:]] == made[:2:-1]
    assert spent == 25, "of all that ended, and of no page alone"

    await world.projects.delete("SE", actor=world.actor)
    assert await listed(project_id=other.id) == []
    await world.items.delete(item.key, actor=world.actor)
    assert await listed(project_id=project.id) == made[::-1], "the time was spent all the same"


async def test_time_entries_integration_of_jobs_are_booked_once(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    ada = await world.a_person("Ada")
    booking = JobBooking()
    begin = NINE * 1_000_000

    async def book(job_id: str) -> TimeEntryState | None:
        def use_case(tx: Tx) -> TimeEntryState | None:
            job = JobTime(
                id=job_id,
                user_id=ada,
                started_at=Instant(begin + 400_000),
                finished_at=Instant(begin + 2_500_000),
                description="f/tides",
            )
            return booking.book(tx, item.id, job, by=system("automation", world.tenant_id))

        return await world.stores.tenants.write(world.tenant_id, use_case)

    assert await book("before") is None, "no project books jobs unless it is told to"
    settings = await world.job_times.put("TM", books_jobs=True, if_match=0, actor=world.actor)
    with pytest.raises(VersionChanged):
        await world.job_times.put("TM", books_jobs=False, if_match=0, actor=world.actor)

    first, *again = await asyncio.gather(*(book("j1") for _ in range(4)))

    booked = next(each for each in (first, *again) if each is not None)
    assert sum(each is None for each in (first, *again)) == 3
    assert (booked.source, booked.job_id, booked.user_id) == ("job", "j1", ada)
    assert (booked.duration_seconds, booked.description) == (3, "f/tides")
    assert (settings.version, settings.books_jobs) == (1, True)
    await world.time_entries.delete(booked.id, actor=a_person(world.tenant_id, Role.ADMIN))
    assert await book("j1") is None, "what was deleted does not come back"
