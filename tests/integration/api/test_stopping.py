"""What a process that stops says to those who wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.app import App, make_app
from tidemill.api.serving import answer_seconds_max
from tidemill.core.config import Config
from tidemill.core.config.sections.serving import Server

pytestmark = pytest.mark.anyio

at_once_seconds = 30.0
"""Far less than any of the waits, and more than a loaded machine needs."""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with make_app(tmp_path) as made:
        yield made


async def _a_job(app: App) -> str:
    body = {"content": "def main() -> None: ...", "language": "python"}
    answer = await app.owner.post("/api/v1/jobs", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("result?wait=60", {}, 202), ("logs", {"Accept": "text/event-stream"}, 200)],
)
async def test_close_streams_integration_ends_open_waits(
    app: App, path: str, headers: dict[str, str], status: int
) -> None:
    job_id = await _a_job(app)
    url = f"/api/v1/jobs/{job_id}/{path}"
    waiting = asyncio.create_task(app.owner.get(url, headers=headers, timeout=60))
    waits = app.application.process.composition.offers["jobs"].end_waits
    async with asyncio.timeout(60):
        # Nobody tells that somebody waits.
        while not any(end.__self__._waiting for end in waits):  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    began = time.monotonic()

    await app.application.close_streams()
    answer = await waiting

    assert answer.status_code == status
    assert time.monotonic() - began < at_once_seconds


async def test_close_streams_integration_holds_no_later_wait(app: App) -> None:
    job_id = await _a_job(app)
    await app.application.close_streams()
    began = time.monotonic()

    answer = await app.owner.get(f"/api/v1/jobs/{job_id}/result?wait=60", timeout=60)
    log = await app.owner.get(
        f"/api/v1/jobs/{job_id}/logs", headers={"Accept": "text/event-stream"}, timeout=60
    )

    assert (answer.status_code, log.status_code, log.text) == (202, 200, "")
    assert time.monotonic() - began < at_once_seconds


@pytest.mark.parametrize("configured", [1, 15, 600])
def test_answer_seconds_max_leaves_time_to_close_stores(configured: int) -> None:
    seconds = answer_seconds_max(Config(server=Server(stop_seconds_max=configured)))

    assert 1 <= seconds <= max(1, configured / 2)
