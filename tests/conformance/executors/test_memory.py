"""Memory of programs that reserve far more addresses than they use."""

from __future__ import annotations

import sys

import pytest

from tests.conformance.executors.languages import JOB_IDS
from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import MEBIBYTE, Dispatcher, job
from tidemill.jobs.protocol.messages import Isolation

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's namespaces"),
]
HOARD = """
export function main() {
  const kept = [];
  while (true) kept.push(new Uint8Array(1_000_000).fill(1));
}
"""
GROW = "export function main() { const all = []; while (true) all.push({ a: all.length }); }"
LARGE = "-- $database (duckdb)\nSELECT list(range || repeat('x', 1000)) AS l FROM range(2000000)"


@pytest.mark.parametrize(
    ("language", "content"),
    [("typescript", HOARD), ("typescript", GROW), ("sql", LARGE)],
    ids=["buffers", "heap", "duckdb"],
)
async def test_executors_hold_programs_to_the_memory_of_the_job(
    dispatcher: Dispatcher, start_worker: StartWorker, language: str, content: str
) -> None:
    await start_worker()

    outcome = await dispatcher.run(
        job(
            JOB_IDS.format(1), content, language=language, isolation=Isolation.SANDBOX,
            memory_bytes_max=200 * MEBIBYTE,
        )
    )  # fmt: skip

    assert outcome.error is not None, outcome
    assert outcome.peak_memory_bytes < 300 * MEBIBYTE
