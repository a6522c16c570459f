"""A caller that is cancelled while its transaction commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.database import Hooks, Place, PostgresDatabase
from tidemill.infrastructure.database.postgres.pool import Pool
from tidemill.runtime.clock import SystemClock

pytestmark = pytest.mark.anyio


class _StuckAtCommit:
    """A connection whose commits do not end, and the pool that lends it."""

    def __init__(self) -> None:
        self.committing = asyncio.Event()
        self.busy = False
        self.was_busy_when_given_back: bool | None = None

    async def execute(self, sql: str) -> str:
        if sql == "COMMIT":
            self.busy = True
            self.committing.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.busy = False
        return sql

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        try:
            yield self
        finally:
            # As a real pool: what was cancelled in this turn of the loop counts.
            await asyncio.sleep(0)
            self.was_busy_when_given_back = self.busy


async def test_a_connection_is_given_back_idle_though_its_caller_is_cancelled_twice(
    tmp_path: Path,
) -> None:
    stuck = _StuckAtCommit()

    async def place(_tenant: TenantId) -> Place:
        return Place(cast("Pool", stuck), "")

    database = PostgresDatabase(
        StoreKind.CONTROL,
        place,
        DatabaseOptions(data_dir=tmp_path),
        SystemClock(),
        cast("Hooks", None),
    )
    caller = asyncio.create_task(database.read(INSTALLATION, lambda _tx: None))
    await stuck.committing.wait()

    caller.cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert stuck.busy, "one cancellation alone lets the commit end"
    caller.cancel()

    with pytest.raises(asyncio.CancelledError):
        await caller
    assert stuck.was_busy_when_given_back is False
