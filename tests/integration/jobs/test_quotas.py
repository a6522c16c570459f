"""Quotas of one tenant, set by an operator while Tidemill runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.fixtures.app import App, error, make_app

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with make_app(tmp_path) as made:
        yield made


async def until_refused(app: App, path: str, body: dict[str, Any]) -> httpx.Response:
    """Ask again until the new quota has arrived."""
    with anyio.fail_after(60):
        for number in range(10_000):
            answer = await app.owner.post(path, json={**body, "path": f"p{number}"})
            if answer.status_code != 201:
                return answer
            await anyio.sleep(0.05)
    raise AssertionError("the quota never arrived")


async def test_quotas_integration_hold_for_the_tenant_that_an_operator_names(app: App) -> None:
    await app.owner.post(
        "/api/v1/scripts", json={"path": "one", "language": "bash", "content": "true"}
    )
    tenant_id = (await app.owner.get("/api/v1/auth/me")).json()["tenant"]["id"]
    for key in ("jobs.queued_per_tenant_max", "jobs.schedules_per_tenant_max"):
        stored = await app.owner.put(
            f"/api/v1/settings/{key}", json={"value": 1, "tenant_id": tenant_id}
        )
        assert stored.json()["value"] == 1, stored.text

    schedule = {"script_path": "one", "trigger": {"cron": "0 6 * * *"}}
    refused = await until_refused(app, "/api/v1/schedules", schedule)
    assert error(refused)[1] == "TOO_MANY_SCHEDULES"
    jobs = [await app.owner.post("/api/v1/jobs", json={"script_path": "one"}) for _ in range(2)]
    assert error(jobs[1])[1] == "QUEUE_FULL"
    unknown = await app.owner.put(
        "/api/v1/settings/jobs.queued_per_tenant_max", json={"value": 1, "tenant_id": "nobody"}
    )
    assert error(unknown) == (404, "SETTING_TENANT_NOT_FOUND", "tenant_id")
