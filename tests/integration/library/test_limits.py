"""Limits of functions: in a program's own transaction, and where only the worker can keep them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest

import tidemill
from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tests.fixtures.stores import until
from tidemill import Concurrency, JobTimedOut, Limits, ResultExpired, Unique
from tidemill.jobs.code.functions.registry import REGISTRY
from tidemill.jobs.errors import InvalidJobField

pytestmark = pytest.mark.anyio
seconds = 60.0


async def test_limits_integration_a_function_without_a_sign_of_life_is_ended(
    shop: Shop, tmp_path: Path
) -> None:
    limits = Limits(heartbeat_timeout_seconds=0.1)
    async with shop.app.worker():
        silent = await program.sleep_until_cancelled.options(app=shop.app, limits=limits).enqueue(
            tmp_path / "note"
        )

        with pytest.raises(JobTimedOut) as raised:
            await silent.result(seconds)

    assert raised.value.type == "HeartbeatTimeout"


async def test_limits_integration_a_function_that_finds_no_thread_in_time_is_ended(
    shop: Shop, tmp_path: Path
) -> None:
    limits, gate = Limits(start_timeout_seconds=0.1), anyio.Path(tmp_path / "gate")
    async with shop.app.worker(threads=1):
        first = await program.wait_for.options(app=shop.app).enqueue(
            tmp_path / "gate", tmp_path / "note"
        )
        await until((tmp_path / "note").exists, seconds=seconds)
        late = await program.add.options(app=shop.app, limits=limits).enqueue(1)

        with pytest.raises(JobTimedOut) as raised:
            await late.result(seconds)
        await gate.touch()
        assert await first.result(seconds) == 1

    assert raised.value.type == "StartTimeout"


async def test_limits_integration_of_jobs_in_the_programs_own_transactions(shop: Shop) -> None:
    double = program.double.options(app=shop.app, limits=Limits(unique=Unique()))
    if shop.is_sqlite:
        connection = sqlite3.connect(shop.outbox)
        tidemill.create_outbox(connection)
        with connection:
            connection.execute("BEGIN")
            jobs = [double.enqueue_in_sync(connection, 21) for _ in range(2)]
        connection.close()
    else:
        other = await asyncpg.connect(shop.database)
        async with other.transaction():
            jobs = [await double.enqueue_in(other, 21) for _ in range(2)]
        await other.close()

    async with shop.app.worker():
        assert [await job.result(seconds) for job in jobs] == [42, 42]
        queue = await shop.app.open()
        found = {(await queue.get(job.id, tenant=shop.app.tenant)).id for job in jobs}

    assert len(found) == 1


async def test_limits_integration_a_limit_that_cannot_hold_is_refused_by_the_decorator() -> None:
    with pytest.raises(InvalidJobField, match=r"limits\.ttl_seconds"):
        tidemill.job(name="shop:never", limits=Limits(ttl_seconds=0))(len)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"concurrency": 5}, r"^limits\.concurrency must be a tidemill\.Concurrency, not 5\.$"),
        ({"unique": "args"}, r"^limits\.unique must be a tidemill\.Unique, not 'args'\.$"),
        ({"ttl_seconds": "x"}, r"^limits\.ttl_seconds must be a number, not 'x'\.$"),
    ],
    ids=str,
)
async def test_limits_integration_of_another_type_are_refused_where_they_are_given(
    limits: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidJobField, match=reason):
        tidemill.job(name="shop:never", limits=Limits(**limits))(len)
    with pytest.raises(InvalidJobField, match=reason):
        program.double.options(limits=Limits(**limits))


async def test_limits_integration_of_many_calls_have_a_key_each(shop: Shop) -> None:
    limits = Limits(concurrency=Concurrency(key="n-{args.number}"), unique=Unique())
    double = program.double.options(app=shop.app, limits=limits)
    jobs = await double.enqueue_many([(1,), (2,), (1,)])

    async with shop.app.worker():
        assert [await job.result(seconds) for job in jobs] == [2, 4, 2]

    assert len({job.id for job in jobs}) == 2


async def test_limits_integration_a_key_sees_the_defaults_of_arguments(shop: Shop) -> None:
    limits = Limits(concurrency=Concurrency(key="n-{args.b}"))
    add = program.add.options(app=shop.app, limits=limits)
    jobs = [await add.enqueue(1), *await add.enqueue_many([(2,), {"a": 3, "b": 2}])]

    queue = await shop.app.open()
    found = [await queue.get(job.id, tenant=shop.app.tenant) for job in jobs]
    assert [job.concurrency_key for job in found] == ["n-1", "n-1", "n-2"]


async def test_limits_integration_a_default_that_is_written_out_is_no_other_call(
    shop: Shop,
) -> None:
    add = program.add.options(app=shop.app, limits=Limits(unique=Unique()))

    jobs = [await add.enqueue(1), await add.enqueue(1, b=1), await add.enqueue(1, 2)]

    assert jobs[0].id == jobs[1].id != jobs[2].id


async def test_limits_integration_a_result_that_is_gone_is_no_result(shop: Shop) -> None:
    double = program.double.options(app=shop.app, limits=Limits(result_ttl_seconds=0.001))
    async with shop.app.worker():
        job = await double.enqueue(21)

        async def ask_until_it_is_gone() -> None:
            while True:
                assert await job.result(seconds) == 42

        with pytest.raises(ResultExpired, match="result_ttl_seconds"), anyio.fail_after(seconds):
            await ask_until_it_is_gone()


async def test_limits_integration_a_heartbeat_longer_than_the_default_timeout_is_no_fault_of_a_call(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function says how long it may be silent, and each server how long a run may take."""
    monkeypatch.setattr(REGISTRY, "_declared", dict(REGISTRY.all()))
    limits = Limits(heartbeat_timeout_seconds=86_400)

    @tidemill.job(name="tests.fixtures.shop:patient", limits=limits, app=shop.app)
    def patient() -> int:
        return 2

    async with shop.app.worker():
        job = await patient.enqueue()

        assert await job.result(seconds) == 2
    with pytest.raises(InvalidJobField, match=r"less than timeout, 600, .* a longer timeout"):
        program.add.options(limits=limits)
    assert program.add.options(timeout=60).options(limits=Limits(heartbeat_timeout_seconds=59))
