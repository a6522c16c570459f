"""Accounts that operators close and open again: who may, what ends, and what must stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.fixtures.identity import OWNER_EMAIL, IdentityWorld, bearer, identity_world
from tests.fixtures.stores import StoresKind, until
from tidemill.core.actor import Actor, Origin, Role, system
from tidemill.core.ids import UserId
from tidemill.core.operators import OPERATORS
from tidemill.identity.errors import RoleTooHigh
from tidemill.identity.invitations.models import InvitationKind
from tidemill.identity.invitations.service import Wanted
from tidemill.identity.user_errors import LastOperator
from tidemill.settings.operators.service import FirstOwners

pytestmark = pytest.mark.anyio

USERS = "/api/v1/users"
BOB = "bob@example.org"
JSON = dict[str, Any]


class Operated:
    """A world with an operator, who is logged in as `client`."""

    def __init__(self, world: IdentityWorld, owner: JSON, client: httpx.AsyncClient) -> None:
        self.world = world
        self.owner = owner
        self.client = client

    async def set(self, verb: str, user: JSON, **body: Any) -> httpx.Response:
        return await self.client.post(f"{USERS}/{user['user_id']}/{verb}", json=body or None)

    async def closed(self, user: JSON) -> None:
        answer = await self.set("disable", user)
        assert (answer.status_code, answer.json()["state"]) == (200, "disabled"), answer.text

    async def opened(self, user: JSON) -> None:
        answer = await self.set("enable", user)
        assert (answer.status_code, answer.json()["state"]) == (200, "active"), answer.text

    async def a_tenant_of(self, email: str) -> str:
        """Make a tenant that the user alone owns; return its id."""
        body = {"name": "Harbour", "slug": "harbour"}
        made = (await self.client.post("/api/v1/tenants", json=body)).json()
        inside = await self.world.tokens(OWNER_EMAIL, tenant_id=made["id"])
        async with self.world.client(**bearer(inside)) as client:
            invited = await client.post(
                "/api/v1/invitations", json={"role": "owner", "email": email}
            )
            await self.accept(email, invited.json()["token"])
            left = await client.delete("/api/v1/members/me")
            assert left.status_code == 204, left.text
        return str(made["id"])

    async def accept(self, email: str, token: str) -> None:
        async with self.world.client(**bearer(await self.world.tokens(email))) as client:
            joined = await client.post("/api/v1/invitations/acceptances", json={"token": token})
            assert joined.status_code == 201, joined.text

    async def states(self) -> dict[str, str]:
        items = (await self.client.get(USERS)).json()["items"]
        return {item["email"]: item["state"] for item in items}

    async def status(self, credential: JSON | str, path: str = "/api/v1/auth/me") -> int:
        async with self.world.client(**bearer(credential)) as client:
            return (await client.get(path)).status_code


@asynccontextmanager
async def _operated(tmp_path: Path, kind: StoresKind) -> AsyncIterator[Operated]:
    async with identity_world(tmp_path, kind) as world:
        world.ports[OPERATORS] = FirstOwners(world.stores.control)
        owner = await world.an_owner()
        async with world.client(**bearer(owner)) as client:
            yield Operated(world, owner, client)


@pytest.fixture
async def operated(tmp_path: Path) -> AsyncIterator[Operated]:
    async with _operated(tmp_path, "sqlite") as operated:
        yield operated


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_users_integration_are_listed_in_pages(operated: Operated) -> None:
    await operated.world.a_member(operated.owner, "member", BOB)
    await operated.world.a_member(operated.owner, "viewer", "eve@example.org")

    first = (await operated.client.get(USERS, params={"limit": 2})).json()
    rest = (
        await operated.client.get(USERS, params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()

    shown = [(user["email"], user["name"], user["state"]) for user in first["items"]]
    assert shown == [(OWNER_EMAIL, "Ada", "active"), (BOB, "Bob", "active")]
    assert [user["email"] for user in rest["items"]] == ["eve@example.org"]
    assert rest["next_cursor"] is None
    assert set(first["items"][0]) == {
        "id", "email", "name", "state", "created_at", "last_login_at"
    }  # fmt: skip


async def test_users_integration_are_found_by_their_address(operated: Operated) -> None:
    await operated.world.a_member(operated.owner, "member", BOB)
    found = [
        (await operated.client.get(USERS, params={"email": email})).json()["items"]
        for email in ("BOB@example.org", "bo@example.org")
    ]
    page = (await operated.client.get(USERS, params={"limit": 1})).json()

    wrong = await operated.client.get(USERS, params={"email": "bob"})
    cursor = {"email": BOB, "cursor": page["next_cursor"]}

    assert [[user["email"] for user in users] for users in found] == [[BOB], []]
    assert _code(wrong) == (400, "INVALID_EMAIL")
    assert _code(await operated.client.get(USERS, params=cursor)) == (400, "INVALID_CURSOR")


@pytest.mark.parametrize("kind", ["sqlite", "schema"])
async def test_users_integration_lose_everything_when_their_account_is_closed(
    tmp_path: Path, kind: StoresKind
) -> None:
    async with _operated(tmp_path, kind) as operated:
        world = operated.world
        bob = await world.a_member(operated.owner, "admin", BOB)
        token = await world.an_api_token(bob, "read")
        actor = await world.authenticator.bearer(bob["access_token"], Origin())
        by_token = await world.authenticator.bearer(token, Origin())
        job = world.job_tokens.issue_job_token(by_token, "job-1")
        credentials = (bob, token, job)
        before = [await operated.status(one) for one in credentials]

        await operated.closed(bob)

        async with world.client() as client:
            renewed = await client.post(
                "/api/v1/auth/refresh", json={"refresh_token": bob["refresh_token"]}
            )
        assert before == [200] * 3
        assert [await operated.status(one) for one in credentials] == [401] * 3
        assert renewed.status_code == 401
        assert not await world.authenticator.still_valid(actor), "open sockets are closed"
        assert not await world.authenticator.still_valid(by_token)
        wrong, closed = await world.log_in(password="wrong"), await world.log_in(BOB)
        assert (closed.status_code, closed.text) == (wrong.status_code, wrong.text)


async def test_users_integration_come_back_with_a_new_login_and_their_tokens(
    operated: Operated,
) -> None:
    world = operated.world
    bob = await world.a_member(operated.owner, "member", BOB)
    token = await world.an_api_token(bob, "read")
    await operated.closed(bob)

    await operated.opened(bob)

    assert await operated.status(bob) == 401, "its sessions have ended"
    assert await operated.status(token) == 200
    assert await operated.status(await world.tokens(BOB)) == 200


async def test_users_integration_closed_accounts_leave_no_way_back_in(operated: Operated) -> None:
    world = operated.world
    bob = await world.a_member(operated.owner, "admin", BOB)
    async with world.client(**bearer(bob)) as client:
        invited = await client.post("/api/v1/invitations", json={"email": "eve@example.org"})
    async with world.client() as client:
        await client.post("/api/v1/auth/password-resets", json={"email": BOB})
        await world.part("passwords").drain()
        await until(lambda: any(mail.to == BOB for mail in world.mail.letters))
    link = next(mail for mail in world.mail.letters if mail.to == BOB).text
    reset = link.partition("token=")[2].split()[0]

    await operated.closed(bob)
    await operated.opened(bob)

    async with world.client() as client:
        preview = await client.post(
            "/api/v1/invitations/previews", json={"token": invited.json()["token"]}
        )
        redeemed = await client.post(
            "/api/v1/auth/password-resets/redemptions",
            json={"token": reset, "password": "another tide table"},
        )
    assert _code(preview) == (404, "INVITATION_INVALID")
    assert _code(redeemed) == (404, "PASSWORD_RESET_INVALID")


async def test_users_integration_invite_nobody_in_the_moment_that_closes_them(
    operated: Operated,
) -> None:
    world = operated.world
    bob = await world.a_member(operated.owner, "admin", BOB)
    actor = await world.authenticator.bearer(bob["access_token"], Origin())
    await operated.closed(bob)

    with pytest.raises(RoleTooHigh):
        await world.part("invitations").create(
            Wanted(kind=InvitationKind.SINGLE_USE, role=Role.VIEWER, email="eve@example.org"),
            actor=actor,
        )


async def test_users_integration_are_closed_and_opened_once(operated: Operated) -> None:
    bob = await operated.world.a_member(operated.owner, "member", BOB)
    for verb in ("enable", "disable", "disable", "enable", "enable"):
        assert (await operated.set(verb, bob)).status_code == 200

    actions = await operated.world.audit_actions()

    told = [action for action in actions if action.startswith("identity.users.")]
    assert told == ["identity.users.disable", "identity.users.enable"]


async def test_users_integration_nobody_closes_the_own_account(operated: Operated) -> None:
    token = await operated.world.an_api_token(operated.owner, "admin")

    by_session = await operated.set("disable", operated.owner, force=True)
    async with operated.world.client(**bearer(token)) as client:
        by_token = await client.post(f"{USERS}/{operated.owner['user_id']}/disable")

    assert [_code(one) for one in (by_session, by_token)] == [(409, "OWN_ACCOUNT")] * 2


async def test_users_integration_are_for_operators_only(operated: Operated) -> None:
    world = operated.world
    admin = await world.a_member(operated.owner, "admin", "eve@example.org")
    bob = await world.a_member(operated.owner, "member", BOB)
    harbour = await operated.a_tenant_of(BOB)
    elsewhere = await world.tokens(BOB, tenant_id=harbour)
    codes = []
    for credential in (elsewhere, admin):
        async with world.client(**bearer(credential)) as client:
            codes.append(
                [
                    _code(await client.get(USERS)),
                    _code(await client.post(f"{USERS}/{bob['user_id']}/disable")),
                    _code(await client.post(f"{USERS}/{bob['user_id']}/enable")),
                ]
            )

    assert codes == [
        [(403, "USERS_FOR_OPERATORS"), (404, "USER_NOT_FOUND"), (404, "USER_NOT_FOUND")],
        [(403, "PERMISSION_DENIED")] * 3,
    ]
    assert (await operated.states())[BOB] == "active"


async def test_users_integration_that_nobody_knows_are_not_found(operated: Operated) -> None:
    nobody = {"user_id": "019c0000-0000-7000-8000-000000000000"}

    answers = [await operated.set(verb, nobody) for verb in ("disable", "enable")]

    assert [_code(answer) for answer in answers] == [(404, "USER_NOT_FOUND")] * 2


async def test_users_integration_a_tenant_loses_its_last_active_owner_by_force_alone(
    operated: Operated,
) -> None:
    bob = await operated.world.a_member(operated.owner, "member", BOB)
    await operated.a_tenant_of(BOB)

    refused = await operated.set("disable", bob)
    before = await operated.states()
    forced = await operated.set("disable", bob, force=True)

    assert _code(refused) == (409, "LAST_ACTIVE_OWNER")
    assert "Harbour (harbour)" in refused.json()["error"]["message"]
    assert before[BOB] == "active"
    assert (forced.status_code, forced.json()["state"]) == (200, "disabled")


async def test_users_integration_an_owner_whose_account_is_closed_does_not_count(
    operated: Operated,
) -> None:
    bob = await operated.world.a_member(operated.owner, "owner", BOB)
    await operated.closed(bob)

    leaves = await operated.client.delete("/api/v1/members/me")
    steps_down = await operated.client.patch(
        f"/api/v1/members/{operated.owner['user_id']}", json={"role": "admin"}
    )
    removed = await operated.client.delete(f"/api/v1/members/{bob['user_id']}")

    assert [_code(one) for one in (leaves, steps_down)] == [(409, "LAST_OWNER")] * 2
    assert removed.status_code == 204, "the tenant has its active owner still"


async def test_users_integration_the_last_operator_stays_whoever_asks(operated: Operated) -> None:
    """Whoever has the data directory is an operator without an account."""
    with pytest.raises(LastOperator):
        await operated.world.part("user_directory").disable(
            UserId(operated.owner["user_id"]), force=True, actor=system("local")
        )


@pytest.mark.parametrize("kind", ["sqlite", "schema"])
async def test_users_integration_two_operators_who_close_each_other_leave_one(
    tmp_path: Path, kind: StoresKind
) -> None:
    async with _operated(tmp_path, kind) as operated:
        world = operated.world
        bob = await world.a_member(operated.owner, "owner", BOB)
        directory = world.part("user_directory")
        outcomes: list[str] = []

        ada, other = [
            await world.authenticator.bearer(one["access_token"], Origin())
            for one in (operated.owner, bob)
        ]

        async def close(by: Actor, whom: Actor) -> None:
            try:
                await directory.disable(whom.user_id, force=True, actor=by)
            except LastOperator:
                outcomes.append("kept")
            else:
                outcomes.append("closed")

        async with anyio.create_task_group() as group:
            group.start_soon(close, ada, other)
            group.start_soon(close, other, ada)

        valid = [await world.authenticator.still_valid(actor) for actor in (ada, other)]

    assert sorted(outcomes) == ["closed", "kept"]
    assert sorted(valid) == [False, True]
