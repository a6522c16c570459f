from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.fixtures.identity import IdentityWorld, bearer, identity_world
from tests.fixtures.stores import StoresKind

pytestmark = pytest.mark.anyio

MEMBERS = "/api/v1/members"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    async with identity_world(tmp_path) as world:
        yield world


async def test_members_integration_are_listed_in_pages(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    await world.a_member(owner, "member", "bob@example.org")
    await world.a_member(owner, "viewer", "eve@example.org")
    async with world.client(**bearer(owner)) as client:
        first = (await client.get(MEMBERS, params={"limit": 2})).json()
        rest = (
            await client.get(MEMBERS, params={"limit": 2, "cursor": first["next_cursor"]})
        ).json()

    assert [m["role"] for m in first["items"] + rest["items"]] == ["owner", "member", "viewer"]
    assert rest["next_cursor"] is None


async def test_members_integration_roles_change_at_once(world: IdentityWorld) -> None:
    """C7: the role counts that the membership has now, not one in a token."""
    owner = await world.an_owner()
    bob = await world.a_member(owner, "admin", "bob@example.org")
    async with world.client(**bearer(bob)) as client:
        before = await client.get("/api/v1/invitations")
    async with world.client(**bearer(owner)) as client:
        await client.patch(f"{MEMBERS}/{bob['user_id']}", json={"role": "viewer"})
    async with world.client(**bearer(bob)) as client:
        after = await client.get("/api/v1/invitations")

    assert (before.status_code, after.status_code) == (200, 403)
    assert "MemberRoleChanged" in await world.facts(owner["tenant_id"])
    assert "identity.members.change" in await world.audit_actions(owner["tenant_id"])


async def test_members_integration_change_what_was_read(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    path = f"{MEMBERS}/{bob['user_id']}"
    async with world.client(**bearer(owner)) as client:
        read = {"If-Match": (await client.get(path)).headers["etag"]}
        changed = await client.patch(path, json={"role": "viewer"}, headers=read)
        late = [
            await client.patch(path, json={"role": "admin"}, headers=read),
            await client.delete(path, headers=read),
        ]
        now = {"If-Match": changed.headers["etag"]}
        removed = await client.delete(path, headers=now)

    assert (changed.status_code, removed.status_code) == (200, 204)
    assert [answer.status_code for answer in late] == [412, 412]
    assert late[0].headers["etag"] == f'"v{changed.json()["version"]}"'


async def test_members_integration_a_new_name_is_no_known_answer(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    path = f"{MEMBERS}/{bob['user_id']}"
    async with world.client(**bearer(owner)) as client:
        known = {"If-None-Match": (await client.get(path)).headers["etag"]}
        same = await client.get(path, headers=known)
        async with world.client(**bearer(bob)) as his:
            renamed = await his.patch("/api/v1/auth/me", json={"name": "Robert"})
        other = await client.get(path, headers=known)

    assert renamed.status_code == 200, renamed.text
    assert (same.status_code, other.status_code) == (304, 200)
    assert other.json()["name"] == "Robert"


async def test_members_integration_nobody_reaches_above_the_own_role(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "admin", "bob@example.org")
    eve = await world.a_member(owner, "member", "eve@example.org")
    async with world.client(**bearer(bob)) as client:
        answers = [
            await client.patch(f"{MEMBERS}/{bob['user_id']}", json={"role": "owner"}),
            await client.patch(f"{MEMBERS}/{eve['user_id']}", json={"role": "owner"}),
            await client.patch(f"{MEMBERS}/{owner['user_id']}", json={"role": "viewer"}),
            await client.delete(f"{MEMBERS}/{owner['user_id']}"),
            await client.post(
                "/api/v1/invitations", json={"role": "owner", "email": "x@example.org"}
            ),
        ]

    assert {answer.json()["error"]["code"] for answer in answers} == {"ROLE_TOO_HIGH"}


async def test_members_integration_the_last_owner_stays(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        answers = [
            await client.patch(f"{MEMBERS}/{owner['user_id']}", json={"role": "member"}),
            await client.delete(f"{MEMBERS}/{owner['user_id']}"),
            await client.delete(f"{MEMBERS}/me"),
        ]

    assert [answer.json()["error"]["code"] for answer in answers] == ["LAST_OWNER"] * 3


@pytest.mark.parametrize("kind", ["sqlite", "schema"])
@pytest.mark.each_database(reason="transactions race")
async def test_members_integration_two_owners_who_leave_at_once_leave_one(
    tmp_path: Path, kind: StoresKind
) -> None:
    async with identity_world(tmp_path, kind) as world:
        owner = await world.an_owner()
        bob = await world.a_member(owner, "owner", "bob@example.org")
        statuses: list[int] = []

        async def leave(tokens: dict[str, str]) -> None:
            async with world.client(**bearer(tokens)) as client:
                statuses.append((await client.delete(f"{MEMBERS}/me")).status_code)

        async with anyio.create_task_group() as group:
            group.start_soon(leave, owner)
            group.start_soon(leave, bob)

    assert sorted(statuses) == [204, 409]


async def test_members_integration_who_is_removed_loses_everything_here(
    world: IdentityWorld,
) -> None:
    """C7: access token, API token and refresh end with the membership."""
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    token = await world.an_api_token(bob, "read")
    async with world.client(**bearer(owner)) as client:
        removed = await client.delete(f"{MEMBERS}/{bob['user_id']}")
        gone = await client.get(f"{MEMBERS}/{bob['user_id']}")
    codes = []
    for credential in (bob, token):
        async with world.client(**bearer(credential)) as client:
            codes.append((await client.get("/api/v1/auth/me")).json()["error"]["code"])
    login = await world.log_in("bob@example.org")

    assert (removed.status_code, gone.status_code) == (204, 404)
    assert codes == ["MEMBERSHIP_ENDED", "TOKEN_REVOKED"]
    assert login.json()["error"]["code"] == "NO_MEMBERSHIP"


async def test_members_integration_private_addresses_are_for_admins(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    eve = await world.a_member(owner, "member", "eve@example.org")
    async with world.client(**bearer(bob)) as client:
        await client.patch("/api/v1/auth/me", json={"visibility": "private"})
    shown = []
    for tokens in (owner, eve, bob):
        async with world.client(**bearer(tokens)) as client:
            shown.append((await client.get(f"{MEMBERS}/{bob['user_id']}")).json()["email"])

    assert shown == ["bob@example.org", None, "bob@example.org"]


async def test_members_integration_of_another_tenant_do_not_exist(world: IdentityWorld) -> None:
    """A1 and defect 1 of 1.3: tenants are apart, also for one person who owns both."""
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    async with world.client(**bearer(owner)) as client:
        second = (
            await client.post("/api/v1/tenants", json={"name": "Second", "slug": "second"})
        ).json()
    there = await world.tokens(tenant_id=second["id"])
    async with world.client(**bearer(there)) as client:
        listed = (await client.get(MEMBERS)).json()["items"]
        one = await client.get(f"{MEMBERS}/{bob['user_id']}")
        changed = await client.patch(f"{MEMBERS}/{bob['user_id']}", json={"role": "viewer"})

    assert [m["user_id"] for m in listed] == [owner["user_id"]]
    assert (one.status_code, changed.status_code) == (404, 404)
