"""When a worker has grown too large."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from tidemill.core.config import ConfigRefused
from tidemill.jobs.execution.worker.memory import MEBIBYTE, Wear, resident_bytes

pytestmark = pytest.mark.anyio


def test_resident_bytes_are_those_of_this_process() -> None:
    assert MEBIBYTE < resident_bytes() < 4096 * MEBIBYTE


async def test_wear_drains_once_the_process_has_grown_too_large() -> None:
    sizes = [10, 10, 90, 101, 101]
    worn = anyio.Event()
    wear = Wear(100, lambda: sizes.pop(0) * MEBIBYTE)

    async with wear.watched(worn.set, seconds=0):
        with anyio.fail_after(60):
            await worn.wait()

    assert wear.worn
    assert sizes == [101]


async def test_wear_without_a_bound_never_looks() -> None:
    def never() -> int:
        raise AssertionError("it looked")

    wear = Wear(0, never)

    async with wear.watched(lambda: None, seconds=0):
        await anyio.lowlevel.checkpoint()

    assert not wear.worn


async def test_wear_refuses_a_bound_that_the_worker_is_over_when_it_starts() -> None:
    wear = Wear(64, lambda: 80 * MEBIBYTE)

    with pytest.raises(ConfigRefused) as refused:
        async with wear.watched(lambda: None):
            pass

    (problem,) = refused.value.problems
    assert problem == (
        "worker.memory_mib_max (64) is less than the 81 MiB that this worker has when it starts. "
        "Give it room for its jobs, too."
    )
