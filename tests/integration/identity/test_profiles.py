from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.identity import IdentityWorld, bearer, identity_world

pytestmark = pytest.mark.anyio

ME = "/api/v1/auth/me"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    async with identity_world(tmp_path) as world:
        yield world


async def test_profiles_integration_change_what_is_named_and_keep_the_rest(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        first = await client.patch(
            ME, json={"time_zone": "Europe/Berlin", "avatar": "https://example.org/a.png"}
        )
        second = await client.patch(ME, json={"avatar": None, "visibility": "private"})
        stale = await client.patch(ME, json={"name": "X"}, headers={"If-Match": '"v1"'})

    body = second.json()
    assert first.json()["avatar"] == "https://example.org/a.png"
    assert (body["avatar"], body["time_zone"], body["visibility"], body["name"]) == (
        None,
        "Europe/Berlin",
        "private",
        "Ada",
    )
    assert body["version"] == 3
    assert stale.status_code == 412


@pytest.mark.parametrize(
    "body",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"avatar": "javascript:alert(1)"},
        {"avatar": "http://example.org/a.png"},
        {"name": "two\nlines"},
        {"name": ""},
        {"visibility": "hidden"},
        {"role": "owner"},
        {"email": "other@example.org"},
        {"security_version": 9},
    ],
)
async def test_profiles_integration_refuse_bad_and_foreign_fields(
    world: IdentityWorld, body: dict[str, Any]
) -> None:
    """A5: a field that is not the profile's is refused, and nothing changes."""
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        refused = await client.patch(ME, json=body)
        after = (await client.get(ME)).json()["user"]

    assert refused.status_code == 400, refused.text
    assert after["version"] == 1


async def test_profiles_integration_reach_every_tenant_of_the_person(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        second = (
            await client.post("/api/v1/tenants", json={"name": "Second", "slug": "second"})
        ).json()
        await client.patch(ME, json={"name": "Ada Lovelace"})

    assert (await world.facts(owner["tenant_id"]))[-1] == "UserProfileChanged"
    assert (await world.facts(second["id"]))[-1] == "UserProfileChanged"


async def test_profiles_integration_reach_tenants_by_the_sweep_after_a_crash(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        second = (
            await client.post("/api/v1/tenants", json={"name": "Second", "slug": "second"})
        ).json()
        profiles = world.part("profiles")
        profiles._announcements.announce_user = _crash
        await client.patch(ME, json={"name": "Ada Lovelace"})
    untold = await world.facts(second["id"])

    sweep = next(p for p in world.offer.periodic if p.name == "identity.announcements")
    await sweep.run()
    await sweep.run()

    assert untold[-1] == "MemberAdded"
    assert (await world.facts(second["id"])).count("UserProfileChanged") == 1


async def _crash(user_id: str) -> None:
    """Stand for a process that ended between two commits."""
