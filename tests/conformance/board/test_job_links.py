"""What an item shows of its jobs, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import msgspec
import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.contract import JobSummary, WorkItemId, WorkItemState
from tidemill.board.errors import WorkItemNotFound
from tidemill.core.actor import system
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

pytestmark = pytest.mark.anyio


def a_summary(
    job_id: str = "j1", state: str = "queued", at: int = 1, result: bytes = b"null"
) -> JobSummary:
    finished = Instant(at + 5) if state in {"succeeded", "failed"} else None
    return JobSummary(
        id=job_id,
        state=state,
        queued_at=Instant(at),
        result=msgspec.Raw(result),
        finished_at=finished,
    )


async def show(world: BoardWorld, item_id: WorkItemId, summary: JobSummary) -> WorkItemState | None:
    def use_case(tx: Tx) -> WorkItemState | None:
        by = system("automation", world.tenant_id)
        return world.board.show_job(tx, item_id, summary, by=by)

    return await world.stores.tenants.write(world.tenant_id, use_case)


async def test_job_links_integration_show_the_result_on_the_item(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()

    await show(world, item.id, a_summary())
    shown = await show(world, item.id, a_summary(state="succeeded", result=b'{"mean":3.5}'))

    assert shown is not None
    read = await world.reads.get(item.key, actor=world.actor)
    assert (read.version, read.updated_by) == (3, "automation")
    summary = read.job_summary
    assert summary is not None
    assert (summary.id, summary.state, bytes(summary.result)) == (
        "j1",
        "succeeded",
        b'{"mean":3.5}',
    )
    assert (await world.fact_types())[-2:] == ["WorkItemUpdated"] * 2
    assert (await world.audit_actions())[-1] == "board.work_items.update"
    assert await world.versions_of(item.id) == [1, 2, 3]


async def test_job_links_integration_the_job_that_was_started_last_stays(
    world: BoardWorld,
) -> None:
    await world.a_project()
    item = await world.an_item()
    await show(world, item.id, a_summary("j1", at=1))
    await show(world, item.id, a_summary("j2", at=2))

    assert await show(world, item.id, a_summary("j1", "failed", at=1)) is None

    read = await world.reads.get(item.key, actor=world.actor)
    assert read.job_summary is not None
    assert read.job_summary.id == "j2"


async def test_job_links_integration_a_result_shown_twice_counts_once(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    done = a_summary(state="succeeded")

    assert await show(world, item.id, done) is not None
    assert await show(world, item.id, done) is None
    assert await show(world, item.id, a_summary(state="running")) is None
    assert await world.versions_of(item.id) == [1, 2]


async def test_job_links_integration_cut_what_is_long(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()

    await show(world, item.id, a_summary(state="succeeded", result=b'"' + b"x" * 5_000 + b'"'))

    summary = (await world.reads.get(item.key, actor=world.actor)).job_summary
    assert summary is not None
    assert summary.truncated
    assert len(msgspec.json.decode(summary.result)) == 2_000


async def test_job_links_integration_pass_over_deleted_items(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    await world.items.delete(item.key, actor=world.actor)

    assert await show(world, item.id, a_summary()) is None
    with pytest.raises(WorkItemNotFound):
        await world.board.find_work_item(item.key, actor=world.actor)
