"""A worker that is killed while its job has the only slot of a key leaves none taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import QueueKind, Shop, make_shop
from tests.fixtures.stores import until
from tidemill.jobs.contract import JobState
from tidemill.jobs.limits.models import Concurrency, Limits

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.chaos(reason="kills workers with kill -9"),
]
KEY = Limits(concurrency=Concurrency(limit=1, key="harbour"))
seconds = 60.0


@pytest.fixture(params=["sqlite", "postgres"])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with make_shop(cast("QueueKind", request.param)) as made:
        yield made


async def test_kills_leave_no_slot_taken(shop: Shop, tmp_path: Path) -> None:
    gates = [tmp_path / f"gate-{number}" for number in range(3)]
    notes = [tmp_path / f"note-{number}" for number in range(3)]
    call = program.wait_for.options(app=shop.app, limits=KEY)
    with shop.worker_process() as worker:
        jobs = [await call.enqueue(gate, note) for gate, note in zip(gates, notes, strict=True)]
        for number, (gate, note, job) in enumerate(zip(gates, notes, jobs, strict=True)):
            await until(lambda: note.exists() and note.read_text(), seconds=seconds)  # noqa: B023 - called before the next round
            worker.kill()
            worker.start()
            await until(lambda: len(note.read_text().splitlines()) == 2, seconds=seconds)  # noqa: B023 - called before the next round
            assert [one.exists() for one in notes[number + 1 :]] == [False] * (2 - number)
            gate.touch()
            assert await job.result(seconds) == 2

        after = await call.enqueue(gates[0], tmp_path / "after")
        assert await after.result(seconds) == 1
        assert [await job.state() for job in jobs] == [JobState.SUCCEEDED] * 3
