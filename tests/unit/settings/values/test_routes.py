from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.stores import StoreClock, a_tenant, make_stores
from tidemill.api.app import ApiOptions, Probes, create_app
from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.config import KEYS
from tidemill.core.errors import Unauthenticated
from tidemill.core.ids import TenantId, UserId
from tidemill.core.module import Offer
from tidemill.http import SessionActor
from tidemill.http.authentication import Kit
from tidemill.infrastructure.cache import MemoryRateLimiter
from tidemill.runtime.configuration import load_config
from tidemill.settings.operators.service import FirstOwners
from tidemill.settings.values.routes import ROUTES
from tidemill.settings.values.service import SettingService

pytestmark = pytest.mark.anyio

PATH = "/api/v1/settings"


class _Names:
    """Takes the name of a role as the token of a user with that role."""

    def __init__(self, tenant_id: TenantId) -> None:
        self._tenant_id = tenant_id

    async def bearer(self, token: str, origin: Origin) -> Actor:
        if token not in set(Role):
            raise Unauthenticated("No such token.")
        return Actor(
            kind=ActorKind.USER,
            id=token,
            user_id=UserId(token),
            tenant_id=self._tenant_id,
            role=Role(token),
            origin=origin,
        )

    async def session(self, cookie: str, origin: Origin) -> SessionActor:
        return SessionActor(actor=await self.bearer(cookie, origin), csrf_token="c")

    async def still_valid(self, actor: Actor) -> bool:
        return True


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    file = tmp_path / "tidemill.toml"
    file.write_text('[log]\nlevel = "warning"\n')
    layers = load_config(
        config_file=file, environ={"TIDEMILL_DATABASE_URL": "postgresql://u:hunter2@h/d"}
    ).layers
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        service = SettingService(stores.control, layers, FirstOwners(stores.control))
        app, _ = create_app(
            [Offer(routes=ROUTES, dependencies={"settings": service})],
            Kit(
                authenticator=_Names(tenant),
                rate_limiter=MemoryRateLimiter(StoreClock()),
                requests_per_minute=lambda: 0,
                allowed_origins=frozenset(),
            ),
            ApiOptions(body_bytes_max=10_000),
            Probes(checks={}, render_metrics=lambda: b"", observe=lambda *_: None),
        )
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # its own Scope type
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


def who(role: Role) -> dict[str, str]:
    return {"Authorization": f"Bearer {role.value}"}


OWNER, MEMBER = who(Role.OWNER), who(Role.MEMBER)


def error(answer: httpx.Response) -> dict[str, Any]:
    body = answer.json()["error"]
    assert isinstance(body, dict)
    return body


async def test_get_setting_shows_value_source_and_shadowed_values(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    setting = (await client.get(f"{PATH}/log.level", headers=OWNER)).json()

    assert setting["value"] == "warning"
    assert setting["origin"] == {
        "source": "file",
        "name": "log.level",
        "file": str(tmp_path / "tidemill.toml"),
        "line": 2,
        "scope": None,
    }
    assert [(s["value"], s["origin"]["source"]) for s in setting["shadowed"]] == [
        ("info", "default")
    ]
    assert setting["choices"] == ["trace", "debug", "info", "warning", "error"]
    assert setting["changeable"] is True


async def test_list_settings_pages_through_every_key(client: httpx.AsyncClient) -> None:
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "40"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(PATH, headers=OWNER, params=query)).json()
        found += [setting["key"] for setting in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == sorted(KEYS)


async def test_list_settings_never_shows_a_secret(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH, headers=OWNER, params={"limit": 200})

    assert "hunter2" not in answer.text
    (url,) = [one for one in answer.json()["items"] if one["key"] == "database.url"]
    assert url["value"] == "postgresql://u:********@h/d"


async def test_list_settings_shows_members_what_can_be_theirs(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH, headers=MEMBER, params={"limit": 200})

    assert {one["scope"] for one in answer.json()["items"]} == {"tenant", "user"}
    assert (await client.get(f"{PATH}/database.url", headers=MEMBER)).status_code == 404


async def test_put_setting_answers_409_for_a_shadowed_key(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answer = await client.put(f"{PATH}/log.level", headers=OWNER, json={"value": "debug"})

    assert answer.status_code == 409
    assert error(answer)["code"] == "SETTING_SHADOWED"
    assert f"{tmp_path}/tidemill.toml:2" in error(answer)["message"]
    assert "by the file" in error(answer)["message"]


async def test_put_setting_stores_and_delete_setting_goes_back(client: httpx.AsyncClient) -> None:
    path = f"{PATH}/preferences.theme"

    put = await client.put(path, headers=MEMBER, json={"value": "dark"})
    assert put.status_code == 200
    assert put.json()["value"] == "dark"
    assert put.json()["origin"]["scope"] == "user"

    assert (await client.delete(path, headers=MEMBER)).status_code == 204
    wider = await client.delete(path, headers=MEMBER, params={"scope": "tenant"})
    assert wider.status_code == 403
    assert (await client.get(path, headers=MEMBER)).json()["value"] == "system"


@pytest.mark.parametrize(
    ("key", "body", "status", "code"),
    [
        ("limits.requests_per_minute", {"value": "many"}, 400, "SETTING_VALUE_INVALID"),
        ("limits.requests_per_minute", {"value": {"a": 1}}, 400, "VALIDATION_FAILED"),
        ("limits.requests_per_minute", {"value": None}, 400, "VALIDATION_FAILED"),
        ("limits.requests_per_minute", {}, 400, "VALIDATION_FAILED"),
        ("limits.requests_per_minute", {"value": 1, "x": 2}, 400, "VALIDATION_FAILED"),
        ("server.port", {"value": 4000}, 422, "SETTING_NOT_CHANGEABLE"),
        ("limits.logins_per_minute", {"value": 1, "scope": "user"}, 422,
         "SETTING_SCOPE_NOT_ALLOWED"),
        ("limits.logins", {"value": 1}, 404, "SETTING_NOT_FOUND"),
    ],
)  # fmt: skip
async def test_put_setting_refuses_bad_input(
    client: httpx.AsyncClient, key: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await client.put(f"{PATH}/{key}", headers=OWNER, json=body)

    assert (answer.status_code, error(answer)["code"]) == (status, code)


async def test_put_setting_refuses_who_may_not(client: httpx.AsyncClient) -> None:
    body = {"value": False, "scope": "tenant"}
    path = f"{PATH}/features.inline_jobs"

    assert (await client.put(path, headers=MEMBER, json=body)).status_code == 403
    assert (await client.put(path, json=body)).status_code == 401
    assert (await client.put(path, headers=who(Role.ADMIN), json=body)).status_code == 200
    wide = {"value": False, "scope": "installation"}
    refused = await client.put(path, headers=who(Role.ADMIN), json=wide)
    assert (refused.status_code, error(refused)["code"]) == (403, "PERMISSION_DENIED")
