from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conformance.jobs.transports.ways import WAYS, Way, Workers, way_of
from tests.fixtures.jobs import JobsWorld, make_jobs

# Each runs the same cases; those of the normal tier are the ones that differ most.
LATER = {
    "tls": "TLS has a suite of its own in each run",
    "nats": "RabbitMQ stands for the brokers in each run",
}
PARAMETERS = [
    pytest.param(way, marks=pytest.mark.full(reason=LATER[way])) if way in LATER else way
    for way in WAYS
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JobsWorld]:
    async with make_jobs("sqlite", tmp_path) as made:
        yield made


@pytest.fixture(params=PARAMETERS)
async def way(request: pytest.FixtureRequest, world: JobsWorld) -> AsyncIterator[Way]:
    async with way_of(request.param, world) as prepared:
        yield prepared


@pytest.fixture
async def workers(world: JobsWorld, way: Way) -> AsyncIterator[Workers]:
    async with world.dispatching_now() as dispatcher, AsyncExitStack() as stack:
        yield Workers(way, dispatcher, stack)
