"""Functions run as jobs, with the worker in the test's own process, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tests.fixtures.stores import until
from tidemill import JobCancelled, JobFailed, JobTimedOut, job
from tidemill.jobs.code.functions.registry import REGISTRY
from tidemill.jobs.code.functions.signatures import SignatureUnusable
from tidemill.jobs.contract import JobState
from tidemill.jobs.errors import ArgumentsInvalid

pytestmark = pytest.mark.anyio
seconds = 60.0
on_sqlite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""For what both databases have no part in."""


@pytest.mark.each_database(reason="a program keeps its queue in either")
async def test_job_integration_async_and_sync_functions_return_results(shop: Shop) -> None:
    async with shop.app.worker():
        doubled = await program.double.options(app=shop.app).enqueue(21)
        added = await program.add.options(app=shop.app).enqueue(2, b=3)

        assert await doubled.result(seconds) == 42
        assert await added.result(seconds) == 5


async def test_job_integration_values_keep_their_types(shop: Shop) -> None:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    async with shop.app.worker():
        job = await program.receipt.options(app=shop.app).enqueue(
            program.Order(1, at, Decimal("9.95")), customer=uuid4()
        )

        assert await job.result(seconds) == program.Order(2, at, Decimal("19.90"))


async def test_enqueue_integration_refuses_wrong_arguments_by_name(shop: Shop) -> None:
    with pytest.raises(ArgumentsInvalid, match=r"args\.number: Expected `int`, got `str`"):
        await program.double.options(app=shop.app).enqueue("x")  # type: ignore[arg-type]

    with pytest.raises(ArgumentsInvalid, match="missing a required argument: 'number'"):
        await program.double.options(app=shop.app).enqueue()  # type: ignore[call-arg]


async def test_enqueue_many_integration_checks_all_before_the_first(shop: Shop) -> None:
    double = program.double.options(app=shop.app)
    with pytest.raises(ArgumentsInvalid):
        await double.enqueue_many([(1,), ("x",)])

    async with shop.app.worker():
        jobs = await double.enqueue_many([(1,), {"number": 2}, [3]])

        assert [await job.result(seconds) for job in jobs] == [2, 4, 6]


@on_sqlite
async def test_worker_integration_refuses_hints_that_are_nowhere_before_it_takes_jobs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(REGISTRY, "_declared", dict(REGISTRY.all()))

    async def unpack(crate: Any) -> None:
        del crate

    unpack.__annotations__["crate"] = "Nowhere"
    job(name="tests.fixtures.shop:unpack")(unpack)

    with pytest.raises(SignatureUnusable, match=r"unpack.*Nowhere"):
        async with shop.app.worker():
            pytest.fail("the worker takes jobs")


async def test_log_integration_has_prints_and_records_with_time_and_level(shop: Shop) -> None:
    async with shop.app.worker():
        spoken = await program.speak.options(app=shop.app).enqueue("ahoy")
        threaded = await program.speak_in_thread.options(app=shop.app).enqueue("land")
        await spoken.result(seconds)
        await threaded.result(seconds)

    lines = [line.split(" ", 2) for line in shop.log_of(spoken.id).splitlines()]
    assert [line[1:] for line in lines] == [
        ["INFO", "ahoy from the loop"],
        ["WARNING", "tests.fixtures.shop: ahoy is logged"],
        ["INFO", "ahoy from a thread"],
    ]
    assert all(datetime.fromisoformat(line[0]).tzinfo is not None for line in lines)
    assert [line.split(" ", 2)[2] for line in shop.log_of(threaded.id).splitlines()] == [
        "land",
        "tests.fixtures.shop: land is logged",
    ]


async def test_retry_integration_follows_the_functions_policy(shop: Shop, tmp_path: Path) -> None:
    async with shop.app.worker():
        third = await program.on_the_third_try.options(app=shop.app).enqueue(tmp_path / "third")
        never = await program.never_again.options(app=shop.app).enqueue(tmp_path / "never")

        assert await third.result(seconds) == 3
        with pytest.raises(JobFailed, match="gone"):
            await never.result(seconds)

    assert (tmp_path / "third").read_text().split() == ["1", "2", "3"]
    assert (tmp_path / "never").read_text().split() == ["1"]


async def test_failure_integration_carries_type_message_and_own_traceback(shop: Shop) -> None:
    async with shop.app.worker():
        job = await program.fail.options(app=shop.app).enqueue("no tide today")
        with pytest.raises(JobFailed) as failed:
            await job.result(seconds)

    assert failed.value.type == "ValueError"
    assert failed.value.message == "no tide today"
    assert "in fail\n    raise ValueError(message)" in failed.value.traceback
    assert "tidemill/jobs" not in failed.value.traceback


async def test_result_integration_without_a_form_in_json_is_an_error(shop: Shop) -> None:
    async with shop.app.worker():
        job = await program.return_a_thread.options(app=shop.app).enqueue()
        with pytest.raises(JobFailed, match="has no form in JSON") as failed:
            await job.result(seconds)

    assert failed.value.type == "InvalidResult"


async def test_result_integration_that_its_readers_could_not_follow_is_an_error(shop: Shop) -> None:
    async with shop.app.worker():
        job = await program.return_a_well.options(app=shop.app).enqueue()
        with pytest.raises(JobFailed, match="nested deeper than 500 levels") as failed:
            await job.result(seconds)

    assert failed.value.type == "InvalidResult"


async def test_timeout_integration_ends_the_function(shop: Shop, tmp_path: Path) -> None:
    async with shop.app.worker():
        job = await program.sleep_long.options(app=shop.app).enqueue(tmp_path / "note")
        with pytest.raises(JobTimedOut, match=r"has run out of time: .* limit of 1 s\."):
            await job.result(seconds)


async def test_cancel_integration_reaches_async_functions(shop: Shop, tmp_path: Path) -> None:
    note = tmp_path / "note"
    async with shop.app.worker():
        job = await program.sleep_until_cancelled.options(app=shop.app).enqueue(note)
        await until(note.exists, seconds=seconds)
        await job.cancel()
        with pytest.raises(JobCancelled, match=rf"^Job {job.id} was cancelled\.$"):
            await job.result(seconds)

    assert note.with_suffix(".cancelled").read_text() == job.id


async def test_cancel_integration_reaches_functions_that_ask(shop: Shop, tmp_path: Path) -> None:
    note = tmp_path / "note"
    async with shop.app.worker():
        job = await program.work_until_cancelled.options(app=shop.app).enqueue(note)
        await until(note.exists, seconds=seconds)
        await job.cancel()
        with pytest.raises(JobCancelled):
            await job.result(seconds)


@pytest.mark.each_database(reason="a program keeps its queue in either")
async def test_cancel_integration_of_a_waiting_job_ends_it_at_once(shop: Shop) -> None:
    job = await program.double.options(app=shop.app, run_at=timedelta(hours=1)).enqueue(1)

    assert await job.state() is JobState.SCHEDULED
    assert await job.cancel() is JobState.CANCELLED


@pytest.mark.each_database(reason="a program keeps its queue in either")
async def test_options_integration_the_same_id_runs_once(shop: Shop, tmp_path: Path) -> None:
    note_down = program.note_down.options(app=shop.app, id="order-7")
    async with shop.app.worker():
        first = await note_down.enqueue(tmp_path, "seven")
        second = await note_down.enqueue(tmp_path, "seven")
        await first.result(seconds)
        await second.result(seconds)

    assert first.id == second.id == "order-7"
    assert (tmp_path / "seven").read_text() == "once\n"


async def test_context_integration_knows_the_job(shop: Shop) -> None:
    async with shop.app.worker():
        job = await program.who_am_i.options(app=shop.app).enqueue()

        assert await job.result(seconds) == (job.id, "default", 1)


async def test_sync_twins_integration_work_without_a_loop(shop: Shop) -> None:
    def from_a_thread() -> int:
        try:
            return program.double.options(app=shop.app).enqueue_sync(4).result_sync(seconds)
        finally:
            shop.app.close_sync()

    async with shop.app.worker():
        assert await anyio.to_thread.run_sync(from_a_thread) == 8


async def test_result_integration_raises_timeout_while_the_job_waits(shop: Shop) -> None:
    job = await program.double.options(app=shop.app).enqueue(1)

    with pytest.raises(TimeoutError) as waiting:
        await job.result(timeout=0.01)
    later = await program.double.options(app=shop.app, run_at=timedelta(hours=1)).enqueue(1)
    with pytest.raises(
        TimeoutError, match=r"it is scheduled\. Its time has not come: it starts at"
    ):
        await later.result(timeout=0.01)

    assert f"Job {job.id} has not ended after 0.01 s; it is queued. No worker" in str(waiting.value)
    assert "Start one with `tidemill worker --app MODULE`; " in str(waiting.value)
    assert "wait for it again with result(), or end it with cancel()" in str(waiting.value)


async def test_tag_integration_routes_to_workers_of_that_tag(shop: Shop) -> None:
    tagged = await program.double.options(app=shop.app, tag="night").enqueue(1)
    plain = await program.double.options(app=shop.app).enqueue(1)
    async with shop.app.worker():
        await plain.result(seconds)

        assert await tagged.state() is JobState.QUEUED


def test_call_integration_runs_the_function_itself() -> None:
    assert program.add(2, 3) == 5
    assert asyncio.run(program.double(4)) == 8
