"""What comes while a group of writes runs shares its commit, and nothing of its failures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.fixtures.stores import StoreClock
from tidemill.core.ids import TenantId
from tidemill.core.ports import StoreKind, Tx
from tidemill.infrastructure.database import DatabaseOptions
from tidemill.infrastructure.database.sqlite.database import Hooks, SqliteStore

pytestmark = pytest.mark.anyio

TENANT = TenantId("tenant")
seconds_max = 60.0


class Refused(Exception):
    """A use case does not want to go on."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    options = DatabaseOptions(data_dir=tmp_path)
    made = SqliteStore(StoreKind.JOBS, tmp_path / "jobs.db", options, StoreClock(), Hooks())
    made.file.writer().execute("CREATE TABLE notes (tenant_id TEXT, note TEXT)")
    yield made
    await made.close()


class Gate:
    """A use case that has begun, and ends when the test says so."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    def noting(self, note: str, error: Exception | None = None) -> Callable[[Tx], None]:
        def use_case(tx: Tx) -> None:
            _note(tx, note)
            self.begun.set()
            assert self.open.wait(seconds_max)
            if error is not None:
                raise error

        return use_case


async def _running(
    store: SqliteStore, gate: Gate, use_case: Callable[[Tx], None]
) -> asyncio.Future[None]:
    first = store.submit(TENANT, use_case)
    assert await asyncio.to_thread(gate.begun.wait, seconds_max)
    return first


async def test_write_that_comes_late_shares_the_commit_of_what_runs(store: SqliteStore) -> None:
    gate = Gate()
    first = await _running(store, gate, gate.noting("first"))
    second = store.submit(TENANT, lambda tx: _note(tx, "second"))
    gate.open.set()
    await asyncio.gather(first, second)

    assert await _notes(store) == ["first", "second"]
    assert store.file.groups == {2: 1}


async def test_write_that_comes_late_and_fails_takes_nothing_with_it(store: SqliteStore) -> None:
    gate = Gate()
    first = await _running(store, gate, gate.noting("first"))
    second = store.submit(TENANT, _refusing)
    third = store.submit(TENANT, lambda tx: _note(tx, "third"))
    gate.open.set()
    await asyncio.gather(first, third)
    with pytest.raises(Refused):
        await second

    assert await _notes(store) == ["first", "third"]


async def test_write_that_comes_late_does_not_share_a_failure(store: SqliteStore) -> None:
    gate = Gate()
    first = await _running(store, gate, gate.noting("first", Refused()))
    second = store.submit(TENANT, lambda tx: _note(tx, "second"))
    gate.open.set()
    await second
    with pytest.raises(Refused):
        await first

    assert await _notes(store) == ["second"]


async def test_write_that_comes_late_and_is_cancelled_does_not_run(store: SqliteStore) -> None:
    gate = Gate()
    first = await _running(store, gate, gate.noting("first"))
    second = store.submit(TENANT, lambda tx: _note(tx, "second"))
    second.cancel()
    third = store.submit(TENANT, lambda tx: _note(tx, "third"))
    gate.open.set()
    await asyncio.gather(first, third)

    assert await _notes(store) == ["first", "third"]


def _note(tx: Tx, note: str) -> None:
    tx.execute("INSERT INTO notes (tenant_id, note) VALUES (:tenant_id, :note)", note=note)


def _refusing(tx: Tx) -> None:
    _note(tx, "refused")
    raise Refused


async def _notes(store: SqliteStore) -> list[str]:
    sql = "SELECT note FROM notes WHERE tenant_id = :tenant_id ORDER BY rowid"
    return [row[0] for row in await store.read(TENANT, lambda tx: tx.all(sql))]
