"""Resources over HTTP: their types, what they refer to, and who uses what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.app import OWNER_EMAIL, OWNER_PASSWORD, App, make_app
from tests.fixtures.stores import KINDS, StoresKind

pytestmark = pytest.mark.anyio

WORD = "high tide at noon"
DATABASE = {"host": "db.test", "port": 5432, "dbname": "tides", "password": "$var:db/password"}


@pytest.fixture(params=KINDS)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[App]:
    kind: StoresKind = request.param
    async with make_app(tmp_path, kind) as made:
        yield made


async def put(
    app: App, path: str, value: Any, type_: str = "postgresql", **headers: str
) -> httpx.Response:
    body = {"type": type_, "value": value}
    return await app.owner.put(f"/api/v1/resources/{path}", json=body, headers=headers)


async def secret(app: App, path: str = "db/password") -> None:
    body = {"value": WORD, "is_secret": True}
    answer = await app.owner.put(f"/api/v1/variables/{path}", json=body)
    assert answer.status_code == 200, answer.text


async def value(client: httpx.AsyncClient, path: str) -> httpx.Response:
    return await client.get("/api/v1/resources/value", params={"path": path})


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    found = answer.json()["error"]
    return answer.status_code, found["code"], found["param"]


async def test_resources_integration_resolve_what_they_refer_to(app: App) -> None:
    await secret(app)
    made = await put(app, "db/tides", DATABASE)
    await put(app, "mirror", {"base_url": "x", "headers": {"from": "$res:db/tides"}}, "http")
    listed = await app.owner.get("/api/v1/resources")
    read = await app.owner.get("/api/v1/resources/db/tides")
    resolved = await value(app.owner, "mirror")
    audit = await app.owner.get("/api/v1/audit-events", params={"limit": 100})

    assert (made.status_code, made.headers["etag"]) == (200, '"v1"'), made.text
    assert [row["value"] for row in listed.json()["items"]] == [None, None]
    assert read.json()["value"] == DATABASE
    assert resolved.json()["value"]["headers"]["from"] == {**DATABASE, "password": WORD}
    assert resolved.json()["secrets"] == [WORD]
    assert WORD not in listed.text + read.text + audit.text


async def test_resources_integration_keep_to_their_type(app: App) -> None:
    missing = await put(app, "db", {"host": "x"})
    wrong = await put(app, "db", {**DATABASE, "port": "5432"})
    unknown = await put(app, "db", {}, "postgres")
    fits = await put(app, "db", {**DATABASE, "port": "$var:db/port"})

    assert error(missing) == (422, "RESOURCE_INVALID", "value")
    assert error(wrong) == (422, "RESOURCE_INVALID", "value.port")
    assert error(unknown) == (422, "RESOURCE_INVALID", "type")
    assert fits.status_code == 200, "what a reference stands for is known when it is read"


async def test_resources_integration_refuse_ways_without_an_end(app: App) -> None:
    await put(app, "a", {"base_url": "$res:b"}, "http")
    await put(app, "b", {"base_url": "$res:a"}, "http")
    await put(app, "c", {"base_url": "$var:gone"}, "http")
    for number in range(9):
        await put(app, f"deep/{number}", {"base_url": f"$res:deep/{number + 1}"}, "http")
    circle, gone, deep = [await value(app.owner, path) for path in ("a", "c", "deep/0")]

    for answer in (circle, gone, deep):
        assert error(answer) == (422, "REFERENCE_INVALID", "value")
    assert "$res:a → $res:b → $res:a: this leads back" in circle.json()["error"]["message"]
    assert "$res:c → $var:gone: there is no such" in gone.json()["error"]["message"]
    assert "8 references after each other" in deep.json()["error"]["message"]


async def test_resources_integration_are_not_deleted_while_others_need_them(app: App) -> None:
    await secret(app)
    await put(app, "db/tides", DATABASE)
    await put(app, "mirror", {"base_url": "$res:db/tides"}, "http")

    used = await app.owner.delete("/api/v1/variables/db/password")
    needed = await app.owner.delete("/api/v1/resources/db/tides")
    await put(app, "mirror", {"base_url": "x"}, "http")
    gone = [
        await app.owner.delete(f"/api/v1/{path}")
        for path in ("resources/db/tides", "variables/db/password")
    ]

    assert error(used) == (409, "VARIABLE_IN_USE", "path")
    assert error(needed) == (409, "RESOURCE_IN_USE", "path")
    assert "mirror" in needed.json()["error"]["message"]
    assert [answer.status_code for answer in gone] == [204, 204]


async def test_resource_types_integration_of_a_tenant_join_those_built_in(app: App) -> None:
    schema = {"type": "object", "required": ["pier"], "properties": {"pier": {"type": "integer"}}}
    address = "/api/v1/resource-types/harbour"
    made = await app.owner.put(address, json={"schema": schema})
    remote = await app.owner.put(address, json={"schema": {"$ref": "http://x.test/s"}})
    broken = await app.owner.put(address, json={"schema": {"type": "nonsense"}})
    taken = await app.owner.put("/api/v1/resource-types/smtp", json={"schema": schema})
    names: list[str] = []
    cursor: str | None = None
    while cursor is not None or not names:
        page = await app.owner.get(
            "/api/v1/resource-types", params={"limit": 3, **({"cursor": cursor} if cursor else {})}
        )
        names += [row["name"] for row in page.json()["items"]]
        cursor = page.json()["next_cursor"]
    wrong = await put(app, "west", {"pier": "one"}, "harbour")
    await put(app, "west", {"pier": 1}, "harbour")
    used = await app.owner.delete(address)

    assert made.status_code == 200, made.text
    for answer in (remote, broken):
        assert error(answer) == (422, "RESOURCE_TYPE_INVALID", "schema")
    assert error(taken) == (422, "RESOURCE_TYPE_INVALID", "name")
    assert names == ["harbour", "http", "mysql", "openai", "postgresql", "s3", "smtp", "sqlite"]
    assert error(wrong) == (422, "RESOURCE_INVALID", "value.pier")
    assert error(used) == (409, "RESOURCE_TYPE_IN_USE", "name")


async def test_resources_integration_another_tenants_do_not_exist(app: App) -> None:
    await put(app, "db/tides", {**DATABASE, "password": "x"})
    await app.owner.put("/api/v1/resource-types/harbour", json={"schema": {"type": "object"}})
    tenant = await app.owner.post("/api/v1/tenants", json={"name": "Other", "slug": "other"})
    other = await app.log_in(OWNER_EMAIL, OWNER_PASSWORD, tenant.json()["id"])

    listed = await other.get("/api/v1/resources")
    answers = [
        await other.get("/api/v1/resources/db/tides"),
        await other.delete("/api/v1/resources/db/tides"),
        await value(other, "db/tides"),
        await other.get("/api/v1/resource-types/harbour"),
        await other.delete("/api/v1/resource-types/harbour"),
    ]

    assert listed.json()["items"] == []
    assert [answer.status_code for answer in answers] == [404] * 5
