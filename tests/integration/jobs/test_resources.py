"""Resources and their types over HTTP; what they mean is tested in tests/conformance/resources."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.app import App, error, make_app

pytestmark = pytest.mark.anyio

WORD = "high tide at noon"
DATABASE = {"host": "db.test", "port": 5432, "dbname": "tides", "password": "$var:db/password"}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with make_app(tmp_path) as made:
        yield made


async def put(app: App, path: str, value: Any, type_: str = "postgresql") -> httpx.Response:
    return await app.owner.put(f"/api/v1/resources/{path}", json={"type": type_, "value": value})


async def test_resources_integration_show_what_they_refer_to_only_where_it_is_asked_for(
    app: App,
) -> None:
    await app.owner.put("/api/v1/variables/db/password", json={"value": WORD, "is_secret": True})
    made = await put(app, "db/tides", DATABASE)
    listed = await app.owner.get("/api/v1/resources")
    read = await app.owner.get("/api/v1/resources/db/tides")
    resolved = await app.owner.get("/api/v1/resources/value", params={"path": "db/tides"})
    audit = await app.owner.get("/api/v1/audit-events", params={"limit": 100})
    gone = await app.owner.delete("/api/v1/resources/db/tides")
    missing = await app.owner.get("/api/v1/resources/db/tides")

    assert (made.status_code, made.headers["etag"][:4]) == (200, '"v1.'), made.text
    assert [row["value"] for row in listed.json()["items"]] == [None]
    assert read.json()["value"] == DATABASE
    assert resolved.json()["value"] == {**DATABASE, "password": WORD}
    assert resolved.json()["secrets"] == [WORD]
    assert resolved.headers["cache-control"] == "no-store"
    assert WORD not in listed.text + read.text + audit.text
    assert gone.status_code == 204
    assert error(missing) == (404, "RESOURCE_NOT_FOUND", "path")


async def test_put_resource_integration_names_what_is_wrong(app: App) -> None:
    wrong = await put(app, "db", {**DATABASE, "port": "5432"})
    circle = await put(app, "a", {"base_url": "$res:a"}, "http")

    assert error(wrong) == (422, "RESOURCE_INVALID", "value.port")
    assert error(circle) == (422, "RESOURCE_INVALID", "value")


async def test_resource_types_integration_are_made_read_and_deleted(app: App) -> None:
    address = "/api/v1/resource-types/harbour"
    schema = {"type": "object", "required": ["pier"]}
    made = await app.owner.put(address, json={"schema": schema})
    late = await app.owner.put(address, json={"schema": schema}, headers={"If-Match": '"v7"'})
    await put(app, "west", {"pier": 1}, "harbour")
    used = await app.owner.delete(address)
    await app.owner.delete("/api/v1/resources/west")
    gone = await app.owner.delete(address)

    assert (made.json()["schema"], made.json()["built_in"]) == (schema, False)
    assert error(late)[:2] == (412, "VERSION_CHANGED")
    assert error(used) == (409, "RESOURCE_TYPE_IN_USE", "name")
    assert gone.status_code == 204
