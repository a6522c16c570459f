"""A caller that is cancelled while its transaction commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import asyncpg
import pytest

from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import StoreKind, Tx
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.database import Hooks, Place, PostgresDatabase
from tidemill.infrastructure.database.postgres.pool import Pool
from tidemill.runtime.clock import SystemClock

pytestmark = pytest.mark.anyio
_STATEMENT: Final = "DELETE FROM lamps"


class _StuckAtCommit:
    """A connection on which what commits does not end, and the pool that lends it."""

    def __init__(self, commits: str) -> None:
        self._commits = commits
        self.committing = asyncio.Event()
        self.busy = False
        self.was_busy_when_given_back: bool | None = None

    async def execute(self, sql: str) -> str:
        if sql == self._commits:
            self.busy = True
            self.committing.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.busy = False
        return sql

    def is_closed(self) -> bool:
        return False

    def is_warm(self, connection: object) -> bool:
        return connection is self

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        try:
            yield self
        finally:
            # As a real pool: what was cancelled in this turn of the loop counts.
            await asyncio.sleep(0)
            self.was_busy_when_given_back = self.busy


@pytest.mark.parametrize(
    ("commits", "use_case"),
    [
        pytest.param("COMMIT", lambda tx: tx.execute(_STATEMENT), id="a transaction"),
        pytest.param(_STATEMENT, lambda tx: tx.defer(_STATEMENT), id="a statement alone"),
    ],
)
async def test_a_connection_is_given_back_idle_though_its_caller_is_cancelled_twice(
    tmp_path: Path, commits: str, use_case: Callable[[Tx], object]
) -> None:
    stuck = _StuckAtCommit(commits)

    async def place(_tenant: TenantId) -> Place:
        return Place(cast("Pool", stuck), "")

    database = PostgresDatabase(
        StoreKind.CONTROL,
        place,
        DatabaseOptions(data_dir=tmp_path),
        SystemClock(),
        cast("Hooks", None),
    )
    caller = asyncio.create_task(database.write(INSTALLATION, use_case))
    await stuck.committing.wait()

    caller.cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert stuck.busy, "one cancellation alone lets the commit end"
    caller.cancel()

    with pytest.raises(asyncio.CancelledError):
        await caller
    assert stuck.was_busy_when_given_back is False


class _LostWhileItCommits(_StuckAtCommit):
    """A connection that breaks off in what commits."""

    said = 0

    async def execute(self, sql: str) -> str:
        if sql == self._commits:
            self.said += 1
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle")
        return sql

    async def fetch(self, sql: str) -> list[object]:
        await self.execute(sql)
        return []

    def terminate(self) -> None:
        pass


@pytest.mark.parametrize(
    "use_case",
    [
        pytest.param(lambda tx: tx.defer(_STATEMENT), id="deferred"),
        pytest.param(lambda tx: tx.all_alone(_STATEMENT), id="with rows"),
    ],
)
async def test_a_statement_alone_whose_connection_is_lost_is_not_tried_again(
    tmp_path: Path, use_case: Callable[[Tx], object]
) -> None:
    lost = _LostWhileItCommits(_STATEMENT)

    async def place(_tenant: TenantId) -> Place:
        return Place(cast("Pool", lost), "")

    database = PostgresDatabase(
        StoreKind.JOBS,
        place,
        DatabaseOptions(data_dir=tmp_path),
        SystemClock(),
        cast("Hooks", None),
    )

    with pytest.raises(StoreUnavailable, match="while it committed"):
        await database.write(INSTALLATION, use_case)

    assert lost.said == 1, "nobody knows whether it counts"


async def test_a_statement_on_a_connection_that_was_idle_for_long_has_a_transaction(
    tmp_path: Path,
) -> None:
    idle = _Idle()

    async def place(_tenant: TenantId) -> Place:
        return Place(cast("Pool", idle), "")

    database = PostgresDatabase(
        StoreKind.JOBS,
        place,
        DatabaseOptions(data_dir=tmp_path),
        SystemClock(),
        cast("Hooks", None),
    )

    await database.write(INSTALLATION, lambda tx: tx.defer(_STATEMENT))

    assert idle.said == ["BEGIN", _STATEMENT, "COMMIT"]


class _Idle(_StuckAtCommit):
    """A connection that nobody has used for long."""

    def __init__(self) -> None:
        super().__init__("")
        self.said: list[str] = []

    async def execute(self, sql: str) -> str:
        self.said.append(sql)
        return sql

    def is_warm(self, connection: object) -> bool:
        del connection
        return False
