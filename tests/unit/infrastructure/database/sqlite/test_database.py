from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fixtures.stores import make_stores
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx
from tidemill.core.store_errors import StoreUnavailable

pytestmark = pytest.mark.anyio

TENANT = TenantId("tenant")


def _use_case(tx: Tx) -> None:
    tx.all("SELECT 1 AS one")


async def test_read_and_write_after_close_are_refused_at_once(tmp_path: Path) -> None:
    async with make_stores("sqlite", tmp_path) as stores:
        pass

    async with asyncio.timeout(60):
        for store in (stores.jobs, stores.control, stores.tenants):
            with pytest.raises(StoreUnavailable):
                await store.read(TENANT, _use_case)
            with pytest.raises(StoreUnavailable):
                await store.write(TENANT, _use_case)
