from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.identity import IdentityWorld, bearer, identity_world
from tests.fixtures.stores import StoresKind
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.store_errors import StoreUnavailable

pytestmark = pytest.mark.anyio

TENANTS = "/api/v1/tenants"


@pytest.fixture(params=["sqlite", "schema"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    kind: StoresKind = request.param
    async with identity_world(tmp_path, kind) as world:
        yield world


async def test_tenants_integration_are_made_with_a_store_and_told_to_two_logs(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        made = await client.post(TENANTS, json={"name": "Second", "slug": "second"})
    tenant_id = made.json()["id"]
    rows = await world.stores.tenants.read(
        TenantId(tenant_id),
        lambda tx: tx.all("SELECT user_id FROM people WHERE tenant_id = :tenant_id"),
    )

    assert made.status_code == 201
    assert made.json()["state"] == "active"
    assert list(rows) == [], "people come by facts, which the relay has not carried yet"
    assert await world.facts(tenant_id) == ["TenantCreated", "MemberAdded"]
    assert "identity.tenants.create" in await world.audit_actions(tenant_id)
    assert "identity.tenants.create" in await world.audit_actions(INSTALLATION)


async def test_tenants_integration_are_made_once_for_one_key(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    headers = {"Idempotency-Key": "t-1", **bearer(owner)}
    async with world.client(**headers) as client:
        first = (await client.post(TENANTS, json={"name": "Second", "slug": "second"})).json()
        again = (await client.post(TENANTS, json={"name": "Second", "slug": "second"})).json()

    assert first["id"] == again["id"]


async def test_tenants_integration_have_a_slug_of_their_name_where_none_is_given(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        made = await client.post(TENANTS, json={"name": "Harbour & Sons"})
        taken = await client.post(TENANTS, json={"name": "Harbour, Sons"})

    assert made.json()["slug"] == "harbour-sons"
    assert taken.json()["error"]["code"] == "SLUG_TAKEN"
    assert "harbour-sons" in taken.json()["error"]["message"]


async def test_tenants_integration_refuse_taken_and_bad_slugs(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        await client.post(TENANTS, json={"name": "Second", "slug": "second"})
        codes = [
            (await client.post(TENANTS, json={"name": "N", "slug": slug})).json()["error"]["code"]
            for slug in ("second", "Up", "a--b", "../x", "jobs", "-a")
        ]

    assert codes == ["SLUG_TAKEN", *["INVALID_SLUG"] * 5]


async def test_tenants_integration_change_with_version_and_slug_checks(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    path = f"{TENANTS}/{owner['tenant_id']}"
    async with world.client(**bearer(owner)) as client:
        await client.post(TENANTS, json={"name": "Second", "slug": "second"})
        before = await client.get(path)
        stale = await client.patch(path, json={"name": "New"}, headers={"If-Match": '"v99"'})
        taken = await client.patch(path, json={"slug": "second"})
        done = await client.patch(
            path, json={"name": "New"}, headers={"If-Match": before.headers["etag"]}
        )

    assert stale.json()["error"]["code"] == "VERSION_CHANGED"
    assert taken.json()["error"]["code"] == "SLUG_TAKEN"
    assert (done.json()["name"], done.json()["version"]) == ("New", before.json()["version"] + 1)
    assert "TenantChanged" in await world.facts(owner["tenant_id"])


async def test_tenants_integration_of_others_do_not_exist(world: IdentityWorld) -> None:
    """A1: neither by read nor by change nor in a list."""
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    async with world.client(**bearer(owner)) as client:
        second = (await client.post(TENANTS, json={"name": "Second", "slug": "second"})).json()
        elsewhere = await client.patch(f"{TENANTS}/{second['id']}", json={"name": "X"})
    async with world.client(**bearer(bob)) as client:
        read = await client.get(f"{TENANTS}/{second['id']}")
        listed = (await client.get(TENANTS)).json()["items"]
        made = await client.post(TENANTS, json={"name": "Third", "slug": "third"})

    assert (read.status_code, elsewhere.status_code, made.status_code) == (404, 404, 403)
    assert [t["slug"] for t in listed] == ["tide-works"]


async def test_tenants_integration_besides_its_own_are_hidden_from_a_token(
    world: IdentityWorld,
) -> None:
    """A token of one tenant may be in the hands of others than the person who made it."""
    owner = await world.an_owner()
    token = await world.an_api_token(owner, "admin")
    async with world.client(**bearer(owner)) as client:
        second = (await client.post(TENANTS, json={"name": "Second", "slug": "second"})).json()
        person = (await client.get("/api/v1/auth/me")).json()["tenants"]
    async with world.client(Authorization=f"Bearer {token}") as client:
        read = await client.get(f"{TENANTS}/{second['id']}")
        listed = (await client.get(TENANTS)).json()["items"]
        me = (await client.get("/api/v1/auth/me")).json()["tenants"]

    assert {t["slug"] for t in person} == {"tide-works", "second"}
    assert read.status_code == 404
    assert [t["slug"] for t in listed] == ["tide-works"]
    assert [t["slug"] for t in me] == ["tide-works"]


async def test_tenants_integration_get_their_store_later_when_it_could_not_be_made(
    world: IdentityWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the tenant would be out of reach, and its slug taken, until the next start."""
    owner = await world.an_owner()

    async def full(_: TenantId) -> None:
        raise StoreUnavailable("tenant", "the disk is full")

    async with world.client(**bearer(owner)) as client:
        with monkeypatch.context() as broken:
            broken.setattr(world.stores.tenant_stores, "provision", full)
            refused = await client.post("/api/v1/tenants", json={"name": "Two", "slug": "two"})
        world.clock.advance(61)
        for work in world.offer.periodic:
            await work.run()
        follower: Any = world.stores.invalidations
        await follower.look()
        listed = (await client.get("/api/v1/tenants")).json()["items"]

    assert refused.status_code == 503
    (made,) = (tenant for tenant in listed if tenant["slug"] == "two")
    assert made["state"] == "active"
    assert "TenantCreated" in await world.facts(made["id"])
