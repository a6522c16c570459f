"""A process that records facts in two stores and delivers them until a crash point kills it."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from tests.fixtures.stores import StoreClock
from tests.unit.events.world import World
from tidemill.core.ids import TenantId
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database import DatabaseOptions, open_stores
from tidemill.infrastructure.messaging.memory import InProcessBus

TENANT = TenantId("crashing")
JOBS_FROM = 1_000_000


async def main(data_dir: Path) -> None:
    clock = StoreClock()
    stores = await open_stores(DatabaseOptions(data_dir=data_dir), clock)
    await stores.tenant_stores.provision(TENANT)
    world = World(stores, InProcessBus(), TENANT, clock)
    await world.relay.start()
    # It goes on until it is killed: what comes quickly may be delivered all at once.
    for n in itertools.count():
        await world.happen(n)
        await world.happen(JOBS_FROM + n, store=StoreKind.JOBS)
        print(n, flush=True)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
