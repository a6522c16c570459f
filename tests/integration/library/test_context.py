"""What functions say and ask while they run, without a server, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tidemill import JobFailed, context
from tidemill.core.ids import TenantId
from tidemill.jobs.records.metrics.repository import MetricRepository
from tidemill.jobs.records.progress.repository import ProgressRepository

pytestmark = pytest.mark.anyio
seconds = 60.0
on_sqlite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""For what both databases have no part in."""


async def said(shop: Shop, job_id: str) -> tuple[Any, dict[str, float]]:
    queue = await shop.app.open()

    def use_case(tx: Any) -> tuple[Any, dict[str, float]]:
        progress = ProgressRepository().find(tx, job_id)
        return (progress and (progress.percent, progress.text)), MetricRepository().of_job(
            tx, job_id
        )

    return await queue.store.jobs.read(TenantId(shop.app.tenant), use_case)


@pytest.mark.parametrize(
    ("function", "progress", "metrics"),
    [
        (program.tell_from_a_thread, (25.0, "a quarter"), {"rows": 13.0}),
        (program.tell_from_the_loop, (40.0, "almost"), {"share": 0.5}),
    ],
    ids=["thread", "loop"],
)
async def test_context_integration_says_keeps_and_runs_children(
    shop: Shop, function: Any, progress: object, metrics: object
) -> None:
    async with shop.app.worker():
        first = await function.options(app=shop.app).enqueue()
        assert await first.result(seconds) == {"runs": 1, "child": 8}
        second = await function.options(app=shop.app).enqueue()
        assert await second.result(seconds) == {"runs": 2, "child": 8}

    assert await said(shop, first.id) == (progress, metrics)


@on_sqlite
async def test_context_integration_a_call_that_would_hold_up_the_loop_is_refused(
    shop: Shop,
) -> None:
    async with shop.app.worker():
        held = await program.hold_up_the_loop.options(app=shop.app).enqueue()
        with pytest.raises(JobFailed, match=r"await context\.get_state_async"):
            await held.result(seconds)


@on_sqlite
async def test_context_integration_a_failed_child_is_raised_with_its_error(shop: Shop) -> None:
    async with shop.app.worker():
        parent = await program.run_a_child_that_fails.options(app=shop.app, attempts=1).enqueue()
        with pytest.raises(JobFailed, match="is failed: no tide") as failed:
            await parent.result(seconds)

    assert failed.value.type.endswith("ChildFailed")


async def test_context_integration_children_hang_below_their_job(shop: Shop) -> None:
    async with shop.app.worker():
        parent = await program.start_a_child.options(app=shop.app).enqueue()
        child_id = await parent.result(seconds)
        queue = await shop.app.open()
        child = await queue.get(child_id, tenant=shop.app.tenant)

    assert (child.parent_id, child.root_id, child.priority) == (parent.id, parent.id, 1)


@on_sqlite
async def test_context_integration_without_a_server_there_are_no_variables(shop: Shop) -> None:
    async with shop.app.worker():
        job = await program.read_a_variable.options(app=shop.app, attempts=1).enqueue("mail/host")
        with pytest.raises(JobFailed, match="keeps no variables"):
            await job.result(seconds)


def test_context_integration_outside_of_a_job_says_so() -> None:
    with pytest.raises(context.NotInJob):
        context.get_state()
    with pytest.raises(context.NotInJob):
        asyncio.run(context.get_state_async())
