from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from tests.fixtures.jobs import JobsWorld, make_jobs
from tests.fixtures.stores import StoresKind
from tests.fixtures.turns import Turns
from tidemill.core.ports import Tx

TABLES = (
    "jobs", "job_history", "job_keys", "concurrency_slots", "rate_buckets", "job_stands", "outbox",
)  # fmt: skip
_EACH = pytest.mark.each_database(reason="limits are kept by locks on the rows of their keys")


@pytest.fixture(
    scope="package",
    params=["sqlite", pytest.param("schema", marks=_EACH)],
    ids=["sqlite", "postgres"],
)
async def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[JobsWorld]:
    directory = tmp_path_factory.mktemp("limits")
    async with make_jobs(cast("StoresKind", request.param), directory) as made:
        yield made


@pytest.fixture
async def world(shared: JobsWorld) -> JobsWorld:
    """Return jobs of which there are none yet, on stores that all tests here share."""

    def empty(tx: Tx) -> None:
        for table in TABLES:
            tx.execute(f"DELETE FROM {table}")

    await shared.stores.jobs.write(shared.tenant_id, empty)
    # Ids hold the real time: after a test that went on by days, those of this one would be too old.
    shared.clock.offset_seconds = 0.0
    return shared


@pytest.fixture
def turns(world: JobsWorld) -> Turns:
    return Turns(world)
