"""Writes facts into tenants' stores, says so, and waits to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.fixtures.facts import deliver, light_a_lamp
from tests.fixtures.stores import StoreClock
from tidemill.core.ids import TenantId
from tidemill.infrastructure.database import DatabaseOptions, open_stores


async def main(directory: Path, delivered: list[str], undelivered: list[str]) -> None:
    stores = await open_stores(DatabaseOptions(data_dir=directory), StoreClock())
    for tenant in map(TenantId, delivered):
        await light_a_lamp(stores, tenant)
        await deliver(stores, tenant)
    # More than fit into the open files, so that the first are closed by now.
    for tenant in map(TenantId, undelivered):
        await light_a_lamp(stores, tenant)
    print("written", flush=True)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3].split(",")))
