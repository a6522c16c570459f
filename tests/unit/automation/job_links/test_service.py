from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld, make_board
from tidemill.automation.job_links.models import FOLLOWED
from tidemill.automation.job_links.service import JobLinks
from tidemill.board.contract import WorkItemId
from tidemill.board.errors import InvalidReference, WorkItemNotFound
from tidemill.core.actor import Role
from tidemill.core.authorization import PermissionDenied
from tidemill.core.clock import Instant
from tidemill.core.facts import Fact, RecordedFact
from tidemill.core.module import Projection
from tidemill.core.pages import PageRequest
from tidemill.core.ports import StoreKind, Tx
from tidemill.events.followers.drain import Followers
from tidemill.events.followers.service import Cursors
from tidemill.events.stream.service import Stream
from tidemill.jobs import JobFinished, JobId, JobQueued, JobRetryScheduled, JobStarted, JobState

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BoardWorld]:
    async with make_board("sqlite", tmp_path) as board:
        yield board


def _facts(item_id: WorkItemId | None, state: JobState = JobState.SUCCEEDED) -> list[Fact]:
    common: dict[str, Any] = {
        "job_id": JobId("j1"),
        "work_item_id": item_id,
        "trigger_id": None,
        "script_path": "tide/mean",
        "queued_at": Instant(1_000_000),
    }
    return [
        JobQueued(**common, run_at=Instant(1)),
        JobStarted(**common, attempt=1, started_at=Instant(2)),
        JobRetryScheduled(**common, attempt=1, error="no network", run_at=Instant(3)),
        JobStarted(**common, attempt=2, started_at=Instant(4)),
        JobFinished(
            **common,
            state=state,
            attempts=2,
            started_at=Instant(4),
            finished_at=Instant(5_000_000),
            result=msgspec.Raw(b'{"mean": 3.5}'),
        ),
    ]


async def _record(world: BoardWorld, facts: Sequence[Fact]) -> None:
    def use_case(tx: Tx) -> None:
        for fact in facts:
            tx.record(fact, by=world.actor)

    await world.stores.tenants.write(world.tenant_id, use_case)


async def _follow(world: BoardWorld, links: JobLinks | None = None) -> None:
    """Run the projection as a fresh process would, until nothing is left."""
    links = links or JobLinks(world.board)
    tenants = world.stores.tenants
    followers = Followers(Stream(tenants), Cursors(tenants), holder="test")
    projection = Projection(name="automation.job_links", facts=FOLLOWED, apply=links.apply)
    followers.add([projection], [])
    while (await followers.drain(StoreKind.TENANT, world.tenant_id)).more:
        pass


async def test_apply_shows_the_result_on_the_item(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    await _record(world, _facts(item.id))

    await _follow(world)

    shown = await world.reads.get(item.key, actor=world.actor)
    summary = shown.job_summary
    assert summary is not None
    assert (summary.id, summary.state, summary.error) == ("j1", "succeeded", None)
    assert msgspec.json.decode(summary.result) == {"mean": 3.5}
    activity = await world.reads.activity(item.key, PageRequest(), actor=world.actor)
    assert [
        (row.version, row.field, row.new_value) for row in activity.items if row.version > 1
    ] == [
        (6, "job", "j1 succeeded"),
        (6, "job_result", '{"mean": 3.5}'),
        (5, "job", "j1 running"),
        (5, "job_result", None),
        (4, "job", "j1 scheduled"),
        (4, "job_result", "no network"),
        (3, "job", "j1 running"),
        (2, "job", "j1 queued"),
    ]
    assert {row.actor_id for row in activity.items if row.version > 1} == {"automation"}


async def test_apply_takes_effect_once_however_often_the_facts_are_followed(
    world: BoardWorld,
) -> None:
    await world.a_project()
    item = await world.an_item()
    await _record(world, _facts(item.id))

    for _ in range(3):
        await _follow(world)
    await _record(world, _facts(item.id)[-1:])
    await _follow(world)

    assert await world.versions_of(item.id) == [1, 2, 3, 4, 5, 6]


async def test_apply_undone_by_a_failure_is_done_again(world: BoardWorld) -> None:
    """State, activity and cursor commit together or not at all."""
    await world.a_project()
    item = await world.an_item()
    await _record(world, _facts(item.id))

    class FailsAtTheEnd(JobLinks):
        def apply(self, tx: Tx, recorded: RecordedFact) -> None:
            super().apply(tx, recorded)
            if recorded.type == "JobFinished":
                raise ValueError(recorded.id)

    await _follow(world, FailsAtTheEnd(world.board))
    assert await world.versions_of(item.id) == [1, 2, 3, 4, 5]
    await _follow(world)

    assert await world.versions_of(item.id) == [1, 2, 3, 4, 5, 6]


async def test_apply_passes_over_jobs_without_an_item(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    gone = await world.an_item()
    await world.items.delete(gone.key, actor=world.actor)
    unknown = WorkItemId("01890000-0000-7000-8000-000000000000")
    for target in (None, gone.id, unknown, WorkItemId("nonsense")):
        await _record(world, _facts(target))
    await _record(world, _facts(item.id, JobState.FAILED))

    await _follow(world)

    summary = (await world.reads.get(item.key, actor=world.actor)).job_summary
    assert summary is not None
    assert summary.state == "failed"


async def test_check_wants_the_id_of_a_living_item_and_the_right_to_write(
    world: BoardWorld,
) -> None:
    await world.a_project()
    item = await world.an_item()
    links = JobLinks(world.board)

    await links.check(world.actor, item.id)
    await links.check(structs.replace(world.actor, scopes=frozenset({"jobs:run"})), item.id)
    with pytest.raises(InvalidReference, match=item.id):
        await links.check(world.actor, item.key)
    with pytest.raises(PermissionDenied):
        await links.check(structs.replace(world.actor, role=Role.VIEWER), item.id)
    with pytest.raises(PermissionDenied):
        await links.check(structs.replace(world.actor, scopes=frozenset({"read"})), item.id)
    await world.items.delete(item.key, actor=world.actor)
    with pytest.raises(WorkItemNotFound):
        await links.check(world.actor, item.id)
