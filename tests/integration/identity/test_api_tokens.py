from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.identity import IdentityWorld, bearer, identity_world

pytestmark = pytest.mark.anyio

TOKENS = "/api/v1/api-tokens"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    async with identity_world(tmp_path) as world:
        yield world


async def test_api_tokens_integration_are_shown_once(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        made = (
            await client.post(
                TOKENS, json={"name": "ci", "scopes": ["read", "jobs:run"], "expires_in_days": 7}
            )
        ).json()
        listed = await client.get(TOKENS)
        one = await client.get(f"{TOKENS}/{made['id']}")

    assert made["token"].startswith(f"{made['prefix']}")
    assert made["token"].startswith("tmk_")
    assert made["scopes"] == ["jobs:run", "read"]
    assert made["token"][20:60] not in listed.text + one.text


async def test_api_tokens_integration_show_nothing_when_a_request_is_replayed(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    body = {"name": "ci", "scopes": ["read"], "expires_in_days": 7}
    async with world.client(**bearer(owner), **{"Idempotency-Key": "once-1"}) as client:
        first = (await client.post(TOKENS, json=body)).json()
        replay = (await client.post(TOKENS, json=body)).json()
        other = await client.post(TOKENS, json={**body, "name": "other"})

    assert replay == {**first, "token": None}
    assert first["token"] is not None
    assert other.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_api_tokens_integration_act_for_their_owner_within_their_scopes(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    reader = await world.an_api_token(owner, "read")
    async with world.client(**bearer(reader)) as client:
        me = (await client.get("/api/v1/auth/me")).json()
        denied = await client.post("/api/v1/tenants", json={"name": "X", "slug": "xx"})
        human = await client.post(TOKENS, json={"name": "more", "scopes": ["read"]})

    assert (me["kind"], me["scopes"], me["role"]) == ("api_token", ["read"], "owner")
    assert denied.json()["error"]["code"] == "PERMISSION_DENIED"
    assert human.status_code == 403, "a token must not make tokens"


async def test_api_tokens_integration_never_have_more_rights_than_their_owner(
    world: IdentityWorld,
) -> None:
    """S6: a scope beyond the role is refused, and a lowered role lowers its tokens."""
    owner = await world.an_owner()
    bob = await world.a_member(owner, "admin", "bob@example.org")
    strong = await world.an_api_token(bob, "admin")
    async with world.client(**bearer(owner)) as client:
        await client.patch(f"/api/v1/members/{bob['user_id']}", json={"role": "viewer"})
    async with world.client(**bearer(bob)) as client:
        beyond = await client.post(TOKENS, json={"name": "x", "scopes": ["write"]})
    async with world.client(**bearer(strong)) as client:
        denied = await client.get("/api/v1/invitations")

    assert beyond.json()["error"]["code"] == "SCOPE_BEYOND_ROLE"
    assert denied.status_code == 403


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"scopes": ["everything"]}, "UNKNOWN_SCOPE"),
        ({"scopes": []}, "VALIDATION_FAILED"),
        ({"expires_in_days": 400}, "TOKEN_LIFETIME_TOO_LONG"),
        ({"expires_in_days": 0}, "VALIDATION_FAILED"),
        ({"name": " "}, "INVALID_NAME"),
        ({"role": "owner"}, "VALIDATION_FAILED"),
    ],
)
async def test_api_tokens_integration_refuse_bad_wishes(
    world: IdentityWorld, body: dict[str, Any], code: str
) -> None:
    """A5: neither unknown fields nor unknown scopes pass."""
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        answer = await client.post(
            TOKENS, json={"name": "ci", "scopes": ["read"], "expires_in_days": 7, **body}
        )

    assert answer.json()["error"]["code"] == code


async def test_api_tokens_integration_tell_typing_errors_expiry_and_revocation_apart(
    world: IdentityWorld,
) -> None:
    """S7: distinct codes, one message."""
    owner = await world.an_owner()
    token, other = [await world.an_api_token(owner, "read") for _ in range(2)]
    answers = []
    typo = token[:-1] + ("A" if token[-1] != "A" else "B")
    for text in (typo, "tmk_", "tmk_" + "é" * 61):
        async with world.client() as client:
            answers.append(
                await client.get(
                    "/api/v1/auth/me",
                    headers=[(b"authorization", f"Bearer {text}".encode())],
                )
            )
    async with world.client(**bearer(owner)) as client:
        items = (await client.get(TOKENS)).json()["items"]
        await client.delete(f"{TOKENS}/{items[0]['id']}")
    async with world.client(**bearer(token)) as client:
        answers.append(await client.get("/api/v1/auth/me"))
    world.clock.advance(91 * 86_400)
    follower: Any = world.stores.invalidations
    await follower.look()
    async with world.client(**bearer(other)) as client:
        answers.append(await client.get("/api/v1/auth/me"))

    codes = [answer.json()["error"]["code"] for answer in answers]
    assert codes == ["TOKEN_MALFORMED"] * 3 + ["TOKEN_REVOKED", "TOKEN_EXPIRED"]
    assert len({answer.json()["error"]["message"] for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {401}


async def test_api_tokens_integration_of_others_are_for_admins_only(world: IdentityWorld) -> None:
    """Defect 3 of 1.3: an id in a path opens nothing that its caller may not see."""
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    await world.an_api_token(owner, "read")
    await world.an_api_token(bob, "read")
    async with world.client(**bearer(owner)) as client:
        everybodys = (await client.get(TOKENS)).json()["items"]
    async with world.client(**bearer(bob)) as client:
        own = (await client.get(TOKENS)).json()["items"]
        foreign = next(t for t in everybodys if t["user_id"] == owner["user_id"])
        read = await client.get(f"{TOKENS}/{foreign['id']}")
        revoked = await client.delete(f"{TOKENS}/{foreign['id']}")

    assert len(everybodys) == 2
    assert [t["user_id"] for t in own] == [bob["user_id"]]
    assert (read.status_code, revoked.status_code) == (404, 404)


async def test_api_tokens_integration_note_their_last_use(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    token = await world.an_api_token(owner, "read")
    async with world.client(**bearer(token)) as client:
        await client.get("/api/v1/auth/me")
        grants = next(s for s in world.offer.services if hasattr(s, "flush"))
        await grants.flush()
        listed = (await client.get(TOKENS)).json()["items"]

    assert listed[0]["last_used_at"] is not None


async def test_api_tokens_integration_are_not_accepted_in_the_address(
    world: IdentityWorld,
) -> None:
    """C8: a token in a query string is no credential."""
    owner = await world.an_owner()
    token = await world.an_api_token(owner, "read")
    async with world.client() as client:
        answers = [
            await client.get("/api/v1/auth/me", params={name: text})
            for name in ("access_token", "token", "authorization")
            for text in (token, owner["access_token"])
        ]

    assert {answer.status_code for answer in answers} == {401}
