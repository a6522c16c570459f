"""A worker process for an application of `tests/fixtures/app.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from tests.fixtures.app import App
from tests.fixtures.run import run_directory, unique_name


async def finished(app: App, job_id: str) -> dict[str, Any]:
    """Return how a job ended, once it has."""
    url = f"/api/v1/jobs/{job_id}/result"
    with anyio.fail_after(90):
        while (answer := await app.owner.get(url, params={"wait": 30})).status_code == 202:
            pass
    assert answer.status_code == 200, answer.text
    ended: dict[str, Any] = answer.json()
    return ended


@asynccontextmanager
async def a_worker(app: App, *allowed: str) -> AsyncIterator[None]:
    """Run a worker, which may reach the addresses `allowed`."""
    sockets = Path(app.application.config.server.data_dir) / "run" / "dispatcher"
    run = run_directory() / unique_name("w")
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.jobs.worker_process",
        str(sockets), str(run), *allowed,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        worker.terminate()
        try:
            await asyncio.wait_for(worker.wait(), 60)
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
