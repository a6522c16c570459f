"""Killed at any point of delivery, the relay loses nothing and appends nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.stores import StoreClock, until
from tests.integration.events.crashing import JOBS_FROM, TENANT
from tests.unit.events.world import World
from tidemill.infrastructure.database import DatabaseOptions, open_stores
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize(
    "point", ["relay_before_append", "relay_after_append", "relay_after_publish"]
)
async def test_relay_integration_killed_at_a_crash_point_delivers_all_afterwards(
    tmp_path: Path, point: str, nth: int
) -> None:
    told = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this test
        [sys.executable, "-m", "tests.integration.events.crashing", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "TIDEMILL_CRASH_AT": f"{point}:{nth}"},
        stdout=subprocess.PIPE,
        timeout=100,
        check=False,
    )
    assert told.returncode == -signal.SIGKILL, "the crash point was not passed"
    rounds = len(told.stdout.split())
    committed = {str(n) for told_n in range(rounds) for n in (told_n, JOBS_FROM + told_n)}

    clock = StoreClock()
    stores = await open_stores(DatabaseOptions(data_dir=tmp_path), clock)
    try:
        world = World(stores, InProcessBus(), TENANT, clock)
        await world.relay.start()
        await world.happen(999_999)
        # What the killed process left is looked for beside new facts, so either may be first.
        await until(lambda: "999999" in {fact.subject for fact in world.heard})
        await until(lambda: committed <= {fact.subject for fact in world.heard})
        await until(lambda: not world.relay.figures.lanes_waiting)
        stored = await world.stream.after(TENANT, 0)
        await world.relay.stop()
    finally:
        await stores.close()

    subjects = [fact.subject for fact in stored]
    assert [fact.seq for fact in stored] == list(range(1, len(stored) + 1))
    assert len(set(subjects)) == len(subjects), "a fact was appended twice"
    assert committed <= set(subjects), "a fact that had committed was lost"
    heard = world.heard_seqs
    assert heard == list(range(heard[0], len(stored) + 1)), "the bus missed a fact"
