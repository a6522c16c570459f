"""What functions say and ask while they run, without a server, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

import tidemill
from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tidemill import JobFailed, Limits, context
from tidemill.core.clock import from_datetime
from tidemill.core.ids import TenantId
from tidemill.jobs.code.functions.registry import REGISTRY
from tidemill.jobs.records.metrics.repository import MetricRepository
from tidemill.jobs.records.progress.repository import ProgressRepository

pytestmark = pytest.mark.anyio
seconds = 60.0
on_sqlite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""For what both databases have no part in."""


@pytest.fixture
def own_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no other test see the functions of this one."""
    monkeypatch.setattr(REGISTRY, "_declared", dict(REGISTRY.all()))


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
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"priority": "high"}, "priority: Expected `int | null`, got `str`."),
        ({"labels": "quay"}, "labels: Expected `array`, got `str`."),
        ({"limits": {"rate": 1}}, "limits.rate: Expected `object | null`, got `int`."),
        ({"limits": Limits(ttl_seconds="x")}, "limits.ttl_seconds must be a number, not 'x'."),  # type: ignore[arg-type]  # told
        ({"run_at": "tomorrow"}, "run_at: Invalid RFC3339 encoded datetime."),
        ({"run_at": 5}, "run_at: Expected `datetime | null`, got `int`."),
        (
            {"run_at": "2030-01-01T00:00:00"},
            "run_at: Expected `datetime` with a timezone component.",
        ),
        (
            {"run_at": datetime(2030, 1, 1)},  # noqa: DTZ001 - what is told
            "run_at: Expected `datetime` with a timezone component.",
        ),
        ({"prority": 1}, "prority is not a field of a job."),
        ({"trigger_id": "t"}, "trigger_id is not a field of a job."),
    ],
    ids=str,
)
async def test_context_integration_a_child_with_a_wrong_field_is_refused(
    shop: Shop, own_functions: None, fields: dict[str, Any], reason: str
) -> None:
    @tidemill.job(name="tests.fixtures.shop:ask", app=shop.app)
    async def ask() -> str:
        try:
            return await context.start_job_async(program.double.name, {"number": 1}, **fields)
        except context.Refused as refused:
            return f"{refused.status}: {refused}"

    async with shop.app.worker():
        told = await (await ask.enqueue()).result(seconds)

    assert told == f"400: {reason}"


@on_sqlite
@pytest.mark.parametrize("run_at", ["2099-01-01T00:00:00Z", datetime(2099, 1, 1, tzinfo=UTC)])
async def test_context_integration_a_child_waits_for_its_time(
    shop: Shop, own_functions: None, run_at: str | datetime
) -> None:
    @tidemill.job(name="tests.fixtures.shop:ask", app=shop.app)
    async def ask() -> str:
        return await context.start_job_async(program.double.name, {"number": 1}, run_at=run_at)

    async with shop.app.worker():
        child_id = await (await ask.enqueue()).result(seconds)
        queue = await shop.app.open()
        child = await queue.get(child_id, tenant=shop.app.tenant)

    assert child.due_at == from_datetime(datetime(2099, 1, 1, tzinfo=UTC))


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
