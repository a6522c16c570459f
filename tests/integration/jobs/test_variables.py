"""Variables and secrets over HTTP: who may read what, and what answers show of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.app import App, error, make_app
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind

pytestmark = pytest.mark.anyio

WORD = "high tide at noon"


@pytest.fixture
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[App]:
    # What the databases have a part in is tested below, in tests/conformance/variables.
    kind: StoresKind = getattr(request, "param", "sqlite")
    async with make_app(tmp_path, kind) as made:
        yield made


async def put(app: App, path: str, value: str = WORD, **fields: Any) -> httpx.Response:
    body = {"value": value, **fields}
    return await app.owner.put(f"/api/v1/variables/{path}", json=body)


async def value(client: httpx.AsyncClient, path: str) -> httpx.Response:
    return await client.get("/api/v1/variables/value", params={"path": path})


async def a_member(app: App, role: str, name: str) -> httpx.AsyncClient:
    invited = await app.owner.post(
        "/api/v1/invitations", json={"email": f"{name}@example.org", "role": role}
    )
    assert invited.status_code == 201, invited.text
    joined = await app.anonymous.post(
        "/api/v1/auth/registrations",
        json={
            "token": invited.json()["token"],
            "email": f"{name}@example.org",
            "name": name,
            "password": "a long Passw0rd of all",
        },
    )
    assert joined.status_code == 201, joined.text
    return app.client(joined.json()["access_token"])


async def test_variables_integration_are_made_read_changed_and_deleted(app: App) -> None:
    made = await put(app, "harbour/station", "west", description="Where we measure")
    assert made.status_code == 200, made.text
    assert (made.json()["value"], made.json()["is_secret"]) == ("west", False)
    assert made.headers["etag"].startswith('"v1.')

    changed = await app.owner.put(
        "/api/v1/variables/harbour/station", json={"value": "east"}, headers={"If-Match": '"v1"'}
    )
    assert changed.headers["etag"].startswith('"v2.')
    late = await app.owner.put(
        "/api/v1/variables/harbour/station", json={"value": "x"}, headers={"If-Match": '"v1"'}
    )
    assert error(late)[:2] == (412, "VERSION_CHANGED")
    assert (await value(app.owner, "harbour/station")).json() == {
        "path": "harbour/station", "value": "east", "secrets": [],
    }  # fmt: skip
    gone = await app.owner.delete("/api/v1/variables/harbour/station")
    assert gone.status_code == 204
    assert error(await value(app.owner, "harbour/station")) == (404, "VARIABLE_NOT_FOUND", "path")


async def test_secrets_integration_show_their_value_only_where_it_is_asked_for(app: App) -> None:
    made = await put(app, "mail/password", is_secret=True)
    again = await put(app, "mail/password", f"{WORD}!")
    listed = await app.owner.get("/api/v1/variables")
    read = await app.owner.get("/api/v1/variables/mail/password")
    opened = await value(app.owner, "mail/password")
    audit = await app.owner.get("/api/v1/audit-events", params={"limit": 100})

    assert (made.json()["value"], made.json()["is_secret"]) == (None, True)
    assert again.json()["is_secret"] is True, "what is a secret stays one unless it is said"
    assert opened.json()["value"] == f"{WORD}!"
    assert opened.json()["secrets"] == [f"{WORD}!"]
    assert opened.headers["cache-control"] == "no-store"
    for answer in (made, again, listed, read, audit):
        assert answer.status_code == 200, answer.text
        assert WORD not in answer.text


async def test_variables_integration_each_role_may_do_its_part(app: App) -> None:
    await put(app, "mail/password", is_secret=True)
    expected = {
        # role: read the list, read the value, write, rotate
        "viewer": (200, 403, 403, 403),
        "member": (200, 200, 200, 403),
        "admin": (200, 200, 200, 201),
    }
    for role, statuses in expected.items():
        client = await a_member(app, role, role)
        answers = (
            await client.get("/api/v1/variables"),
            await value(client, "mail/password"),
            await client.put(f"/api/v1/variables/of/{role}", json={"value": "x"}),
            await client.post("/api/v1/secret-rotations", json={}),
        )
        assert tuple(answer.status_code for answer in answers) == statuses, role


@pytest.mark.parametrize(
    ("scopes", "status"), [(["read"], 403), (["jobs:run"], 403), (["write"], 200)]
)
async def test_secrets_integration_a_token_reads_values_only_with_write(
    app: App, scopes: list[str], status: int
) -> None:
    await put(app, "mail/password", is_secret=True)
    made = await app.owner.post("/api/v1/api-tokens", json={"name": "robot", "scopes": scopes})
    assert made.status_code == 201, made.text

    answer = await value(app.client(made.json()["token"]), "mail/password")

    assert answer.status_code == status, answer.text


async def test_put_variable_integration_names_what_is_wrong(app: App) -> None:
    path = await put(app, "a b", "x")
    large = await put(app, "a", "x" * 70_000)

    assert error(path) == (400, "INVALID_RESOURCE_PATH", "path")
    assert error(large) == (422, "VARIABLE_INVALID", "value")


@pytest.mark.parametrize("app", KINDS_BY_TIER, indirect=True)
async def test_variables_integration_stay_while_scripts_and_schedules_refer_to_them(
    app: App,
) -> None:
    await put(app, "station")
    code = 'def main(station: str = "$var:station"):\n    pass\n'
    await app.owner.post(
        "/api/v1/scripts", json={"path": "read", "language": "python", "content": code}
    )
    schedule = {
        "path": "hourly",
        "script_path": "read",
        "args": {"station": "$var:station"},
        "trigger": {"every_seconds": 3600},
    }
    made = await app.owner.post("/api/v1/schedules", json=schedule)

    used = await app.owner.delete("/api/v1/variables/station")
    await app.owner.delete(f"/api/v1/schedules/{made.json()['id']}")
    await app.owner.delete("/api/v1/scripts/read")
    gone = await app.owner.delete("/api/v1/variables/station")

    assert error(used) == (409, "VARIABLE_IN_USE", "path")
    assert "script read, schedule hourly" in used.json()["error"]["message"]
    assert gone.status_code == 204
