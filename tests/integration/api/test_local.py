"""The data directory's owner, with and without a running server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from msgspec import structs

from tests.fixtures.app import OWNER_EMAIL, OWNER_PASSWORD, make_app
from tidemill.api.local import open_local
from tidemill.core.config import Config
from tidemill.core.config.sections.serving import Server

pytestmark = pytest.mark.anyio

OWNER = {"email": "first@example.org", "password": "a long Passw0rd indeed"}


def _config(tmp_path: Path) -> Config:
    return structs.replace(Config(), server=Server(data_dir=str(tmp_path / "data"), port=3017))


async def test_local_integration_makes_the_first_owner_without_a_server(tmp_path: Path) -> None:
    async with open_local(_config(tmp_path)) as local:
        made = await local.call("POST", "/api/v1/owners", OWNER)
        again = await local.call("POST", "/api/v1/owners", OWNER)
        entered = await local.call("POST", "/api/v1/auth/login", OWNER)

    assert made.status == 201, made.body
    assert made.body["url"] == "http://127.0.0.1:3017"
    assert (again.status, again.body["error"]["code"]) == (409, "OWNER_EXISTS")
    assert entered.status == 200


async def test_local_integration_verifies_the_installations_audit_chain(tmp_path: Path) -> None:
    async with open_local(_config(tmp_path)) as local:
        answer = await local.call("POST", "/api/v1/audit-verifications")

    assert (answer.status, answer.body["holds"]) == (200, True)


async def test_local_integration_is_closed_to_the_network(tmp_path: Path) -> None:
    async with make_app(tmp_path) as app:
        anonymous = await app.anonymous.post("/api/v1/owners", json=OWNER)
        owner: httpx.Response = await app.owner.post("/api/v1/owners", json=OWNER)
        tenant_header = await app.anonymous.get(
            "/api/v1/projects", headers={"X-Tidemill-Tenant": "installation"}
        )

    assert OWNER["email"] != OWNER_EMAIL
    assert OWNER_PASSWORD
    assert anonymous.status_code == 401
    assert (owner.status_code, owner.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert tenant_header.status_code == 401
