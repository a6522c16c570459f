"""The whole application, in process, on every kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.app import App, make_app
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="the whole application runs once on each"),
]


@pytest.fixture(params=KINDS_BY_TIER)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[App]:
    kind: StoresKind = request.param
    async with make_app(tmp_path, kind) as app:
        yield app


async def test_application_integration_a_retried_post_makes_one_item(app: App) -> None:
    project = await app.owner.post("/api/v1/projects", json={"key": "TM", "name": "Mill"})
    body = {"project_id": project.json()["id"], "item_type": "task", "title": "Once"}
    headers = {"Idempotency-Key": "retry-1"}

    first = await app.owner.post("/api/v1/work-items", json=body, headers=headers)
    again = await app.owner.post("/api/v1/work-items", json=body, headers=headers)
    other = await app.owner.post(
        "/api/v1/work-items", json={**body, "title": "Twice"}, headers=headers
    )
    listed = await app.owner.get("/api/v1/work-items", params={"project_id": body["project_id"]})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert [item["title"] for item in listed.json()["items"]] == ["Once"]


async def test_application_integration_another_tenants_project_is_not_found(app: App) -> None:
    project = await app.owner.post("/api/v1/projects", json={"key": "TM", "name": "Mill"})
    tenant = await app.owner.post("/api/v1/tenants", json={"name": "Other", "slug": "other"})
    assert tenant.status_code == 201, tenant.text
    other = await app.log_in(
        "owner@example.org", "a long Passw0rd of the owner", tenant.json()["id"]
    )

    answer = await other.get(f"/api/v1/projects/{project.json()['id']}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "PROJECT_NOT_FOUND")


async def test_application_integration_every_part_is_ready(app: App) -> None:
    answer = await app.anonymous.get("/ready")

    assert answer.status_code == 200, answer.text
    assert {part["name"] for part in answer.json()["parts"]} >= {"control", "jobs", "tenants"}
