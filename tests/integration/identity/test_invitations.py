from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.fixtures.identity import JSON, PASSWORD, IdentityWorld, bearer, identity_world
from tests.fixtures.stores import StoresKind, until
from tidemill.core.actor import Origin, Role
from tidemill.identity.errors import RoleTooHigh
from tidemill.identity.invitations.models import InvitationKind
from tidemill.identity.invitations.service import Wanted

pytestmark = pytest.mark.anyio

INVITATIONS = "/api/v1/invitations"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    async with identity_world(tmp_path) as world:
        yield world


async def _invite(world: IdentityWorld, by: JSON, **body: Any) -> JSON:
    async with world.client(**bearer(by)) as client:
        answer = await client.post(INVITATIONS, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _register(world: IdentityWorld, token: str, email: str) -> httpx.Response:
    async with world.client() as client:
        return await client.post(
            "/api/v1/auth/registrations",
            json={"token": token, "email": email, "name": "Bob", "password": PASSWORD},
        )


async def test_invitations_integration_bring_a_letter_and_a_member(world: IdentityWorld) -> None:
    owner = await world.an_owner()

    made = await _invite(world, owner, email="bob@example.org", role="admin")
    await until(lambda: world.mail.letters)
    joined = await _register(world, made["token"], "Bob@Example.org")

    assert world.mail.letters[0].to == "bob@example.org"
    assert made["token"] in world.mail.letters[0].text
    assert joined.status_code == 201
    assert joined.json()["tenant_id"] == owner["tenant_id"]
    assert joined.json()["role"] == "admin"
    assert (await world.facts(owner["tenant_id"]))[-2:] == ["MemberAdded", "UserRegistered"]


async def test_invitations_integration_for_one_hold_for_that_address_once(
    world: IdentityWorld,
) -> None:
    """Defect 9 of 1.3: an invitation that names an address is for that address."""
    owner = await world.an_owner()
    made = await _invite(world, owner, email="bob@example.org")

    other = await _register(world, made["token"], "eve@example.org")
    first = await _register(world, made["token"], "bob@example.org")
    second = await _register(world, made["token"], "bob@example.org")

    assert other.json()["error"]["code"] == "INVITATION_INVALID"
    assert first.status_code == 201
    assert second.json()["error"]["code"] == "INVITATION_INVALID"


@pytest.mark.parametrize("kind", ["sqlite", "schema"])
async def test_invitations_integration_for_a_group_never_have_more_uses_than_they_say(
    tmp_path: Path, kind: StoresKind
) -> None:
    """Defect 4 of 1.3: the count and its check are one statement in one transaction."""
    async with identity_world(tmp_path, kind) as world:
        owner = await world.an_owner()
        made = await _invite(world, owner, kind="group", max_uses=3)
        statuses: list[int] = []

        async def join(number: int) -> None:
            answer = await _register(world, made["token"], f"u{number}@example.org")
            statuses.append(answer.status_code)

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(join, number)
        async with world.client(**bearer(owner)) as client:
            members = (await client.get("/api/v1/members")).json()["items"]
            listed = (await client.get(INVITATIONS)).json()["items"]

    assert sorted(statuses) == [201] * 3 + [404] * 5
    assert len(members) == 4, "a refused registration must leave no member"
    assert (listed[0]["uses"], listed[0]["max_uses"]) == (3, 3)


async def test_invitations_integration_refused_leave_no_account(world: IdentityWorld) -> None:
    """Defect 4 of 1.3: registration is one transaction."""
    owner = await world.an_owner()
    made = await _invite(world, owner, kind="group", max_uses=2)
    await _register(world, made["token"], "a@example.org")
    await _register(world, made["token"], "b@example.org")

    refused = await _register(world, made["token"], "c@example.org")
    login = await world.log_in("c@example.org")

    assert refused.status_code == 404
    assert login.json()["error"]["code"] == "WRONG_CREDENTIALS"


async def test_invitations_integration_expired_and_revoked_do_not_hold(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    revoked = await _invite(world, owner, kind="group")
    expired = await _invite(world, owner, kind="group", expires_in_days=1)
    async with world.client(**bearer(owner)) as client:
        await client.delete(f"{INVITATIONS}/{revoked['id']}")
        unknown = await client.delete(f"{INVITATIONS}/none")
    after_revocation = await _register(world, revoked["token"], "a@example.org")
    world.clock.advance(86_401)
    after_expiry = await _register(world, expired["token"], "a@example.org")
    async with world.client() as client:
        preview = await client.post(f"{INVITATIONS}/previews", json={"token": expired["token"]})

    statuses = [a.status_code for a in (after_revocation, after_expiry, unknown, preview)]
    assert statuses == [404] * 4


async def test_invitations_integration_are_accepted_by_who_has_an_account(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    async with world.client(**bearer(owner)) as client:
        second = (
            await client.post("/api/v1/tenants", json={"name": "Second", "slug": "second"})
        ).json()
    there = await world.tokens(tenant_id=second["id"])
    made = await _invite(world, there, email="bob@example.org", role="viewer")
    async with world.client(**bearer(bob)) as client:
        accepted = await client.post(f"{INVITATIONS}/acceptances", json={"token": made["token"]})
        again = await client.post(f"{INVITATIONS}/acceptances", json={"token": made["token"]})
        tenants = (await client.get("/api/v1/tenants")).json()["items"]
    taken = await _register(
        world, (await _invite(world, there, kind="group"))["token"], "bob@example.org"
    )

    assert accepted.json() == {"tenant_id": second["id"], "role": "viewer"}
    assert again.status_code == 404
    assert {t["slug"]: t["role"] for t in tenants} == {"tide-works": "member", "second": "viewer"}
    assert taken.json()["error"]["code"] == "EMAIL_TAKEN"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "single_use"},
        {"kind": "single_use", "email": "a@example.org", "max_uses": 5},
        {"kind": "group", "email": "a@example.org"},
        {"kind": "group", "max_uses": 1},
        {"kind": "group", "max_uses": 1001},
        {"kind": "single_use", "email": "no address"},
        {"kind": "group", "role": "emperor"},
    ],
)
async def test_invitations_integration_refuse_fields_that_do_not_fit(
    world: IdentityWorld, body: JSON
) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        answer = await client.post(INVITATIONS, json=body)

    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("password", ["short", "password123", "bob@example.org", "x" * 129])
async def test_invitations_integration_refuse_weak_passwords(
    world: IdentityWorld, password: str
) -> None:
    owner = await world.an_owner()
    made = await _invite(world, owner, email="bob@example.org")
    async with world.client() as client:
        answer = await client.post(
            "/api/v1/auth/registrations",
            json={
                "token": made["token"],
                "email": "bob@example.org",
                "name": "Bob",
                "password": password,
            },
        )

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "WEAK_PASSWORD"
    assert password not in answer.json()["error"]["message"]


async def test_invitations_integration_end_with_the_right_to_make_them(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    removed = await world.a_member(owner, "admin", "bob@example.org")
    demoted = await world.a_member(owner, "admin", "eve@example.org")
    links = [
        await _invite(world, by, kind="group", role=role, max_uses=5)
        for by, role in ((removed, "admin"), (demoted, "member"), (owner, "member"))
    ]
    async with world.client(**bearer(owner)) as client:
        await client.delete(f"/api/v1/members/{removed['user_id']}")
        await client.patch(f"/api/v1/members/{demoted['user_id']}", json={"role": "member"})

    answers = [
        await _register(world, link["token"], f"new-{number}@example.org")
        for number, link in enumerate(links)
    ]

    codes = [answer.json().get("error", {}).get("code") for answer in answers]
    assert codes == ["INVITATION_INVALID", "INVITATION_INVALID", None]


@pytest.mark.parametrize("now", ["member", None])
async def test_invitations_integration_ask_for_the_role_as_it_is_now(
    world: IdentityWorld, now: str | None
) -> None:
    """A process may not have heard yet that somebody was demoted or removed."""
    owner = await world.an_owner()
    bob = await world.a_member(owner, "admin", "bob@example.org")
    stale = await world.authenticator.bearer(bob["access_token"], Origin())
    async with world.client(**bearer(owner)) as client:
        member = f"/api/v1/members/{bob['user_id']}"
        await (client.patch(member, json={"role": now}) if now else client.delete(member))

    with pytest.raises(RoleTooHigh):
        await world.part("invitations").create(
            Wanted(kind=InvitationKind.GROUP, role=Role.MEMBER), actor=stale
        )
