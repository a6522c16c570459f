"""A request that is sent again under its `Idempotency-Key` shows no secret a second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.app import make_app
from tests.fixtures.identity import IdentityWorld, bearer, identity_world
from tidemill.core.config.sections.people import JwtAlgorithm
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.operators import OPERATORS
from tidemill.settings.operators.service import FirstOwners

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api-tokens", {"name": "ci", "scopes": ["read"], "expires_in_days": 7}),
        ("/invitations", {"role": "member", "email": "bob@example.org"}),
        ("/worker-tokens", {"name": "site-b"}),
    ],
)
async def test_replays_integration_show_and_keep_no_secret(
    tmp_path: Path, path: str, body: dict[str, Any]
) -> None:
    async with make_app(tmp_path) as app:
        app.owner.headers["Idempotency-Key"] = "once"
        first = await app.owner.post(f"/api/v1{path}", json=body)
        replay = await app.owner.post(f"/api/v1{path}", json=body)
        kept = await app.application.process.stores.control.read(
            INSTALLATION, lambda tx: tx.all("SELECT result FROM idempotency_keys")
        )

    assert (first.status_code, replay.status_code) == (201, 201)
    secret = first.json()["token"].partition("_")[2]
    assert len(secret) > 40
    assert replay.json() == {**first.json(), "token": None}
    assert [row for row in kept if first.json()["id"] in str(row[0])]
    assert [row for row in kept if secret[16:] in str(row[0])] == []


async def test_replays_integration_a_signing_key_with_a_key_is_made_once(tmp_path: Path) -> None:
    async with identity_world(tmp_path, jwt_algorithm=JwtAlgorithm.EDDSA) as world:
        owner = await world.an_owner()
        world.ports[OPERATORS] = FirstOwners(world.stores.control)
        async with world.client(**bearer(owner), **{"Idempotency-Key": "once"}) as client:
            made = [await client.post("/api/v1/signing-keys") for _ in range(2)]
            shown = (await client.get("/.well-known/jwks.json")).json()["keys"]
        kept = await _kept(world)

    assert [one.status_code for one in made] == [201, 201], made[0].text
    assert made[0].json() == made[1].json()
    assert len(shown) == 2, "the first one, and the one that was made"
    assert any(made[0].json()["id"] in result for result in kept)
    assert not any('"sealed_private_key":"' in one and len(one) > 500 for one in kept)


async def test_replays_integration_an_invitation_is_accepted_once_and_told_twice(
    tmp_path: Path,
) -> None:
    async with identity_world(tmp_path) as world:
        owner = await world.an_owner()
        bob = await world.a_member(owner, "member", "bob@example.org")
        async with world.client(**bearer(owner)) as client:
            tenant = await client.post(
                "/api/v1/tenants", json={"name": "Harbour", "slug": "harbour"}
            )
            assert tenant.status_code == 201, tenant.text
        there = await world.tokens(tenant_id=tenant.json()["id"])
        async with world.client(**bearer(there)) as client:
            invited = await client.post(
                "/api/v1/invitations", json={"role": "member", "email": "bob@example.org"}
            )
            assert invited.status_code == 201, invited.text
        body = {"token": invited.json()["token"]}
        path = "/api/v1/invitations/acceptances"
        async with world.client(**bearer(bob), **{"Idempotency-Key": "once"}) as client:
            answers = [await client.post(path, json=body) for _ in range(2)]
        async with world.client(**bearer(bob)) as client:
            without = await client.post(path, json=body)
        kept = await _kept(world, tenant.json()["id"])

    assert [one.status_code for one in answers] == [201, 201], answers[1].text
    assert answers[0].json() == answers[1].json()
    assert without.json()["error"]["code"] in {"INVITATION_INVALID", "ALREADY_MEMBER"}
    assert any('"secret_hash":""' in one for one in kept)


async def _kept(world: IdentityWorld, tenant_id: str = INSTALLATION) -> list[str]:
    rows = await world.stores.control.read(
        TenantId(tenant_id), lambda tx: tx.all("SELECT result FROM idempotency_keys")
    )
    return [str(row[0]) for row in rows]
