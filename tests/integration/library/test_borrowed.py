"""`enqueue_in`: the job shares the fate of the program's own transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import tidemill
from tests.fixtures import shop as program
from tests.fixtures.databases import a_database
from tests.fixtures.library import Shop, make_shop
from tests.fixtures.stores import until
from tidemill import NotInTransaction
from tidemill.jobs.errors import InvalidJobField, JobNotFound

pytestmark = pytest.mark.anyio
seconds = 60.0
SEARCH_PATH = "SHOW search_path"


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with make_shop("postgres") as made:
        yield made


@pytest.fixture
async def sqlite_shop() -> AsyncIterator[Shop]:
    async with make_shop("sqlite") as made:
        yield made


async def test_asyncpg_integration_commit_enqueues_and_rollback_does_not(shop: Shop) -> None:
    double = program.double.options(app=shop.app)
    connection = await asyncpg.connect(shop.database)
    try:
        path = await connection.fetchval(SEARCH_PATH)
        transaction = connection.transaction()
        await transaction.start()
        lost = await double.enqueue_in(connection, 1)
        await transaction.rollback()
        async with connection.transaction():
            kept = await double.enqueue_in(connection, 21)
            assert await connection.fetchval(SEARCH_PATH) == path
            with pytest.raises(JobNotFound):
                await kept.state()
        assert await connection.fetchval(SEARCH_PATH) == path
    finally:
        await connection.close()

    async with shop.app.worker():
        assert await kept.result(seconds) == 42
    with pytest.raises(JobNotFound):
        await lost.state()


async def test_asyncpg_integration_commit_wakes_the_worker(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.database)
    try:
        async with shop.app.worker():
            async with connection.transaction():
                job = await program.double.options(app=shop.app).enqueue_in(connection, 21)
            assert await job.result(seconds) == 42
    finally:
        await connection.close()


async def test_psycopg_integration_shares_the_transaction(shop: Shop) -> None:
    double = program.double.options(app=shop.app)
    async with await psycopg.AsyncConnection.connect(shop.database) as connection:
        kept = await double.enqueue_in(connection, 1)
        await connection.commit()
        lost = await double.enqueue_in(connection, 2)
        await connection.rollback()
    with psycopg.connect(shop.database) as plain:
        plain_kept = double.enqueue_in_sync(plain, 3)
        plain.commit()
        plain_lost = await double.enqueue_in(plain, 4)
        plain.rollback()
    await shop.app.open()

    async with shop.app.worker():
        assert [await kept.result(seconds), await plain_kept.result(seconds)] == [2, 6]
    for job in (lost, plain_lost):
        with pytest.raises(JobNotFound):
            await job.state()
    shop.app.close_sync()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_sqlalchemy_integration_shares_the_transaction(shop: Shop, driver: str) -> None:
    double = program.double.options(app=shop.app)
    url = shop.database.replace("postgresql://", f"postgresql+{driver}://")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        kept = await double.enqueue_in(connection, 1)
        await connection.commit()
        lost = await double.enqueue_in(connection, 2)
        await connection.rollback()
    async with AsyncSession(engine) as session, session.begin():
        in_session = await double.enqueue_in(session, 3)
    await engine.dispose()

    async with shop.app.worker():
        assert [await kept.result(seconds), await in_session.result(seconds)] == [2, 6]
    with pytest.raises(JobNotFound):
        await lost.state()


async def test_sqlalchemy_integration_sync_session_shares_the_transaction(shop: Shop) -> None:
    double = program.double.options(app=shop.app)
    url = shop.database.replace("postgresql://", "postgresql+psycopg://")
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    with Session(engine) as session:
        kept = double.enqueue_in_sync(session, 1)
        session.commit()
        lost = double.enqueue_in_sync(session, 2)
        session.rollback()
    engine.dispose()

    async with shop.app.worker():
        assert await kept.result(seconds) == 2
    with pytest.raises(JobNotFound):
        await lost.state()
    shop.app.close_sync()


async def test_enqueue_in_integration_needs_an_open_transaction(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.database)
    try:
        with pytest.raises(NotInTransaction):
            await program.double.options(app=shop.app).enqueue_in(connection, 1)
    finally:
        await connection.close()


async def test_sqlite_integration_outbox_shares_the_transaction(sqlite_shop: Shop) -> None:
    double = program.double.options(app=sqlite_shop.app)
    connection = sqlite3.connect(sqlite_shop.outbox)
    tidemill.create_outbox(connection)
    kept = await double.enqueue_in(connection, 1)
    named = program.double.options(app=sqlite_shop.app, id="tide-1")
    also_kept = await named.enqueue_in(connection, 4)
    connection.commit()
    await double.enqueue_in(connection, 2)
    connection.rollback()

    with pytest.raises(TimeoutError):
        await also_kept.result(0.01)
    async with sqlite_shop.app.worker():
        assert await kept.result(seconds) == 2
        assert await also_kept.result(seconds) == 8

    assert _jobs(sqlite_shop) == 2
    assert connection.execute("SELECT COUNT(*) FROM tidemill_outbox").fetchone() == (0,)
    connection.close()


async def test_sqlite_integration_result_says_that_no_worker_carries_the_file_over(
    sqlite_shop: Shop,
) -> None:
    app = tidemill.Tidemill(sqlite_shop.database, state=sqlite_shop.directory / "state")
    connection = sqlite3.connect(sqlite_shop.outbox)
    tidemill.create_outbox(connection)
    left = await program.double.options(app=app).enqueue_in(connection, 1)
    connection.commit()
    connection.close()

    async with app, app.worker():
        with pytest.raises(TimeoutError, match=r"Name the file in Tidemill\(outboxes=\[…\]\)"):
            await left.result(0.1)


async def test_sqlite_integration_outbox_takes_nothing_that_the_queue_would_refuse(
    sqlite_shop: Shop,
) -> None:
    connection = sqlite3.connect(sqlite_shop.outbox)
    tidemill.create_outbox(connection)
    too_late = program.double.options(
        app=sqlite_shop.app,
        limits=tidemill.Limits(ttl_seconds=1),
        run_at=timedelta(hours=1),
    )

    with pytest.raises(InvalidJobField) as refused:
        await too_late.enqueue_in(connection, 1)

    assert refused.value.param == "run_at"
    assert connection.execute("SELECT COUNT(*) FROM tidemill_outbox").fetchone() == (0,)
    connection.close()


async def test_create_outbox_integration_is_for_sqlite_alone(shop: Shop) -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    synchronous = sqlalchemy.create_engine(
        shop.database.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool
    )
    asynchronous = await asyncpg.connect(shop.database)
    try:
        with psycopg.connect(shop.database) as plain, synchronous.connect() as layer:
            for connection in (plain, layer, asynchronous, AsyncSession(engine)):
                with pytest.raises(TypeError, match=r"enqueue_in needs no outbox"):
                    tidemill.create_outbox(connection)
    finally:
        await asynchronous.close()
        await engine.dispose()


def test_create_outbox_integration_takes_sqlalchemy_on_a_file(tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/shop.db", poolclass=NullPool)

    with engine.begin() as connection:
        tidemill.create_outbox(connection)
        assert sqlalchemy.inspect(connection).get_table_names() == ["tidemill_outbox"]


async def test_sqlite_integration_outbox_missing_says_what_to_do(sqlite_shop: Shop) -> None:
    connection = sqlite3.connect(sqlite_shop.outbox)

    with pytest.raises(RuntimeError, match=r"tidemill\.create_outbox\(connection\)"):
        await program.double.options(app=sqlite_shop.app).enqueue_in(connection, 1)
    connection.close()


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with a_database("elsewhere") as url:
        yield url


async def test_enqueue_in_integration_says_that_the_queue_is_in_another_database(
    elsewhere: str, shop: Shop
) -> None:
    double = program.double.options(app=shop.app)
    told = (
        r"no queue in a schema .*jobs\. Give a connection to the database in which the queue lies"
    )
    connection = await asyncpg.connect(elsewhere)
    async with connection.transaction():
        with pytest.raises(TypeError, match=told):
            await double.enqueue_in(connection, 1)
    await connection.close()

    async with await psycopg.AsyncConnection.connect(elsewhere) as other:
        with pytest.raises(TypeError, match=told):
            await double.enqueue_in(other, 1)


async def test_enqueue_in_integration_refuses_what_is_no_connection(shop: Shop) -> None:
    stranger: Any = Path()

    with pytest.raises(TypeError, match="give one of asyncpg"):
        await program.double.options(app=shop.app).enqueue_in(stranger, 1)


@pytest.mark.parametrize(
    "bursts",
    [
        2,
        pytest.param(
            4, marks=pytest.mark.full(reason="the same with more kills, 1.2 s of CPU each")
        ),
    ],
)
async def test_outbox_integration_each_left_job_becomes_one_job_over_kills(
    sqlite_shop: Shop, tmp_path: Path, bursts: int
) -> None:
    count = 40 * bursts
    connection = sqlite3.connect(sqlite_shop.outbox)
    connection.execute("PRAGMA journal_mode=WAL")
    tidemill.create_outbox(connection)
    handles = []
    with sqlite_shop.worker_process() as worker:
        for burst in range(bursts):
            for number in range(40):
                name = f"{burst}-{number}"
                note_down = program.note_down.options(app=sqlite_shop.app)
                handles.append(note_down.enqueue_in_sync(connection, tmp_path, name))
            connection.commit()
            await until(partial(_has, tmp_path, 30 * burst + 1), seconds=seconds)
            worker.kill()
            worker.start()
        for handle in handles:
            await handle.result(seconds)

    jobs = sqlite3.connect(sqlite_shop.directory / "jobs.db")
    known = jobs.execute("SELECT COUNT(*), COUNT(DISTINCT key) FROM job_keys").fetchone()
    assert known == (count, count)
    finished = jobs.execute("SELECT COUNT(*) FROM job_history").fetchone()
    assert finished == (count,)
    assert _has(tmp_path, count)
    assert connection.execute("SELECT COUNT(*) FROM tidemill_outbox").fetchone() == (0,)
    connection.close()
    jobs.close()


def _has(directory: Path, count: int) -> bool:
    return len(list(directory.iterdir())) >= count


def _jobs(shop: Shop) -> int:
    with sqlite3.connect(shop.directory / "jobs.db") as jobs:
        count: int = jobs.execute("SELECT COUNT(*) FROM job_keys").fetchone()[0]
    jobs.close()
    return count
