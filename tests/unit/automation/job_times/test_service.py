from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld, make_board
from tidemill.automation.job_times.service import FOLLOWED, JobTimeBooking
from tidemill.board.job_times.service import JobBooking
from tidemill.board.time_tracking.models import TimeEntry, TimeEntryFilter
from tidemill.core.clock import Instant
from tidemill.core.module import Projection
from tidemill.core.pages import PageRequest
from tidemill.core.ports import StoreKind, Tx
from tidemill.events.followers.drain import Followers
from tidemill.events.followers.service import Cursors
from tidemill.events.stream.service import Stream
from tidemill.jobs import JobFinished, JobId, JobState

pytestmark = pytest.mark.anyio

BEGIN = 1_772_442_000_000_000


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BoardWorld]:
    async with make_board("sqlite", tmp_path) as board:
        await board.a_project()
        await board.job_times.put("TM", books_jobs=True, if_match=None, actor=board.actor)
        yield board


def _finished(item_id: str | None, **fields: Any) -> JobFinished:
    fact = JobFinished(
        job_id=JobId("j1"),
        work_item_id=item_id,
        trigger_id=None,
        script_path="tide/mean",
        queued_at=Instant(BEGIN - 5),
        state=JobState.FAILED,
        attempts=1,
        started_at=Instant(BEGIN),
        finished_at=Instant(BEGIN + 90_000_000),
    )
    return structs.replace(fact, **fields)


async def _booked(world: BoardWorld, *facts: JobFinished) -> list[TimeEntry]:
    """Record facts, and follow them as a fresh process would."""

    def use_case(tx: Tx) -> None:
        for fact in facts:
            tx.record(fact, by=world.actor)

    await world.stores.tenants.write(world.tenant_id, use_case)
    tenants = world.stores.tenants
    followers = Followers(Stream(tenants), Cursors(tenants), holder="test")
    booking = JobTimeBooking(JobBooking())
    projection = Projection(name="automation.job_times", facts=FOLLOWED, apply=booking.apply)
    followers.add([projection], [])
    while (await followers.drain(StoreKind.TENANT, world.tenant_id)).more:
        pass
    found = await world.time_entries.list(TimeEntryFilter(), PageRequest(), actor=world.actor)
    return found.items


async def test_apply_books_the_time_of_a_job_on_its_item_once(world: BoardWorld) -> None:
    item = await world.an_item()

    [entry] = await _booked(world, _finished(item.id), _finished(item.id))

    assert (entry.work_item_id, entry.source, entry.job_id) == (item.id, "job", "j1")
    assert (entry.user_id, entry.created_by) == (world.actor.user_id, "automation")
    assert (entry.span.seconds, entry.description) == (90, "tide/mean")


async def test_apply_books_nothing_for_jobs_that_never_ran_or_have_no_item(
    world: BoardWorld,
) -> None:
    item = await world.an_item()
    gone = await world.an_item()
    await world.items.delete(gone.id, actor=world.actor)

    booked = await _booked(
        world,
        _finished(None),
        _finished(item.id, started_at=None, state=JobState.CANCELLED),
        _finished(gone.id),
    )

    assert booked == []
