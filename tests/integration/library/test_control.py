"""What a program does with its jobs after they were accepted, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tests.fixtures.stores import until
from tidemill import JobCancelled, JobFailed, Jobs, JobState, Tidemill
from tidemill.jobs.control_errors import (
    FilterMissing,
    FilterStateWrong,
    JobNotRetriable,
    JobNotWaiting,
)
from tidemill.jobs.errors import ArgumentsInvalid, InvalidJobField, JobNotFound

pytestmark = pytest.mark.anyio
seconds = 60.0
LATER = timedelta(hours=1)
DOUBLE = "tests.fixtures.shop:double"


@pytest.fixture
async def jobs(shop: Shop) -> Jobs:
    return Jobs(shop.app)


@pytest.fixture
async def stranger(shop: Shop) -> AsyncIterator[Jobs]:
    """Return the jobs of another tenant of the same queue."""
    async with Tidemill(
        shop.database,
        tenant="other",
        schema_prefix=shop.prefix,
        state=shop.directory / "other",
    ) as app:
        yield Jobs(app)


async def test_handle_integration_puts_off_and_starts_at_once(shop: Shop) -> None:
    job = await program.double.options(app=shop.app, run_at=LATER).enqueue(4)

    with pytest.raises(TypeError, match="delay must be a number of seconds or a timedelta"):
        await job.snooze("x")  # type: ignore[arg-type]
    until = await job.snooze(timedelta(hours=3))
    async with shop.app.worker():
        await job.run_now()
        result = await job.result(seconds)

    assert until > datetime.now(UTC) + timedelta(hours=2)
    assert result == 8
    with pytest.raises(JobNotWaiting, match="Run it again instead"):
        await job.snooze(60)


async def test_handle_integration_retries_once_what_has_failed(shop: Shop) -> None:
    async with shop.app.worker():
        failed = await program.fail.options(app=shop.app).enqueue("no tide")
        succeeded = await program.double.options(app=shop.app).enqueue(1)
        with pytest.raises(JobFailed):
            await failed.result(seconds)
        await succeeded.result(seconds)

        retried, again = await failed.retry(), await failed.retry()
        with pytest.raises(JobFailed, match="no tide"):
            await retried.result(seconds)

    assert retried.id == again.id
    assert retried.id != failed.id
    with pytest.raises(JobNotRetriable):
        await succeeded.retry()


async def test_handle_integration_reruns_with_other_arguments_that_are_checked(shop: Shop) -> None:
    async with shop.app.worker():
        first = await program.add.options(app=shop.app).enqueue(2, b=3)
        await first.result(seconds)
        second = await first.rerun({"b": 10}, priority=3)

        assert await second.result(seconds) == 12
        assert (await Jobs(shop.app).get(second.id)).priority == 3
        with pytest.raises(ArgumentsInvalid, match=r"args\.b"):
            await first.rerun({"b": "ten"})


async def test_jobs_integration_are_found_page_by_page(shop: Shop, jobs: Jobs) -> None:
    later = program.double.options(app=shop.app, run_at=LATER)
    ids = [handle.id for handle in await later.enqueue_many([(1,), (2,), (3,)])]
    other = await program.add.options(app=shop.app, tag="other", run_at=LATER).enqueue(1)

    first = await jobs.list(path=DOUBLE, limit=2)
    second = await jobs.list(path=DOUBLE, limit=2, cursor=first.next_cursor)
    tagged = await jobs.list(tag="other", state="scheduled", since=timedelta(minutes=5))
    ended = await jobs.list(state=JobState.FAILED)

    found = [*first.items, *second.items]
    assert [info.id for info in found] == sorted(ids, reverse=True)
    assert [info.args for info in found] == [{"number": 3}, {"number": 2}, {"number": 1}]
    assert [(info.id, info.function) for info in tagged.items] == [
        (other.id, "tests.fixtures.shop:add")
    ]
    assert (second.next_cursor, ended.items) == (None, [])


async def test_jobs_integration_are_found_by_the_labels_of_their_enqueue(
    shop: Shop, jobs: Jobs
) -> None:
    double = program.double.options(app=shop.app)
    labelled = double.options(labels=["spring", "quay"])
    await double.enqueue(1)

    one = await labelled.enqueue(2)
    many = await labelled.enqueue_many([(3,), (4,)])

    found = (await jobs.list(label="quay")).items
    assert {info.id for info in found} == {one.id, *(job.id for job in many)}
    assert {info.labels for info in found} == {("quay", "spring")}


async def test_jobs_integration_cancel_and_retry_what_fits(shop: Shop, jobs: Jobs) -> None:
    later = program.double.options(app=shop.app, run_at=LATER)
    doubles = await later.enqueue_many([(number,) for number in range(3)])
    other = await program.add.options(app=shop.app, run_at=LATER).enqueue(1)

    dry = await jobs.cancel(path=DOUBLE, dry_run=True)
    done = await jobs.cancel(path="tests.fixtures.shop:d*")
    retried = await jobs.retry(path=DOUBLE, state="cancelled")

    assert (dry.matched, dry.changed) == (3, 0)
    assert (done.matched, done.changed) == (3, 3)
    assert {await job.state() for job in doubles} == {JobState.CANCELLED}
    assert await other.state() is JobState.SCHEDULED
    assert (retried.changed, retried.refused) == (3, ())
    assert len((await jobs.list(path=DOUBLE, state="queued")).items) == 3


async def test_jobs_integration_change_in_portions(
    shop: Shop, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.runtime.queue.control.portion_max", 2)
    later = program.double.options(app=shop.app, run_at=LATER)
    await later.enqueue_many([(number,) for number in range(5)])

    assert (await jobs.cancel(path=DOUBLE)).changed == 5


async def test_jobs_integration_refuse_a_filter_that_says_nothing_or_what_no_job_is(
    jobs: Jobs,
) -> None:
    with pytest.raises(FilterMissing):
        await jobs.cancel()
    with pytest.raises(FilterStateWrong, match="use scheduled, waiting, queued, leased, running"):
        await jobs.cancel(state="failed", path=DOUBLE)
    with pytest.raises(InvalidJobField, match="state"):
        await jobs.list(state="gone")
    with pytest.raises(TypeError, match=r"searched by labels\. Did you mean label\?"):
        await jobs.list(labels="red")  # type: ignore[call-arg]  # as below
    with pytest.raises(TypeError, match="searched by colour"):
        await jobs.list(colour="red")  # type: ignore[call-arg]  # as those do who check no types


async def test_jobs_integration_of_another_tenant_do_not_exist(shop: Shop, stranger: Jobs) -> None:
    job = await program.double.options(app=shop.app, run_at=LATER).enqueue(1)

    listed, cancelled = await stranger.list(), await stranger.cancel(path=DOUBLE)

    assert (listed.items, cancelled.matched) == ([], 0)
    assert await job.state() is JobState.SCHEDULED
    handle = stranger.handle(job.id)
    for change in (handle.retry, handle.rerun, handle.run_now, lambda: handle.snooze(60)):
        with pytest.raises(JobNotFound):
            await change()


async def test_jobs_integration_have_twins_for_programs_without_a_loop(
    shop: Shop, jobs: Jobs
) -> None:
    def without_a_loop() -> tuple[int, int, int]:
        job = program.double.options(app=shop.app, run_at=LATER).enqueue_sync(2)
        job.snooze_sync(7200)
        job.run_now_sync()
        again = jobs.handle(job.id).rerun_sync({"number": 5})
        arguments = (jobs.get_sync(again.id).args or {})["number"]
        cancelled = jobs.cancel_sync(path=DOUBLE).changed
        retried = jobs.retry_sync(path=DOUBLE, state="cancelled", dry_run=True).matched
        jobs.handle(job.id).retry_sync()
        shop.app.close_sync()
        return arguments, cancelled, retried

    assert await asyncio.to_thread(without_a_loop) == (5, 2, 2)


async def test_jobs_integration_control_what_a_worker_runs(
    shop: Shop, jobs: Jobs, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    async with shop.app.worker():
        job = await program.sleep_until_cancelled.options(app=shop.app).enqueue(note)
        await until(note.exists, seconds=seconds)

        done = await jobs.cancel(path="tests.fixtures.shop:sleep*")

        assert done.changed == 1
        with pytest.raises(JobCancelled):
            await job.result(seconds)
