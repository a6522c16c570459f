from __future__ import annotations

import time

import pytest

from tests.fixtures.stores import until
from tidemill.infrastructure.observability import LoopLag, Metrics

pytestmark = pytest.mark.anyio


def seconds(metrics: Metrics) -> float:
    lines = metrics.render().decode().splitlines()
    (line,) = (line for line in lines if line.startswith("tidemill_event_loop_lag_seconds_sum"))
    return float(line.split()[1])


async def test_measures_what_blocks_the_loop() -> None:
    metrics = Metrics(version="1", role="api")
    lag = LoopLag(metrics, every_seconds=0.01)
    await lag.start()
    try:
        await until(lambda: seconds(metrics) > 0)
        time.sleep(0.1)  # noqa: ASYNC251 - blocking the loop is what is measured
        await until(lambda: seconds(metrics) > 0.08)
    finally:
        await lag.stop()
