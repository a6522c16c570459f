from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest

from tests.fixtures.identity import IdentityWorld, bearer, identity_world
from tests.fixtures.stores import StoresKind

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "schema"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    kind: StoresKind = request.param
    async with identity_world(tmp_path, kind) as world:
        yield world


async def _refresh(world: IdentityWorld, token: str) -> httpx.Response:
    async with world.client() as client:
        return await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def test_refresh_integration_gives_the_next_pair(world: IdentityWorld) -> None:
    owner = await world.an_owner()

    second = (await _refresh(world, owner["refresh_token"])).json()
    third = await _refresh(world, second["refresh_token"])

    assert second["session_id"] == owner["session_id"]
    assert second["refresh_token"] != owner["refresh_token"]
    assert third.status_code == 200


@pytest.mark.each_database(reason="transactions race")
async def test_refresh_integration_lets_one_of_two_at_once_succeed(world: IdentityWorld) -> None:
    """C6 and defect 5 of 1.3: parallel uses give one success, and the session lives on."""
    owner = await world.an_owner()
    answers: list[httpx.Response] = []

    async def use() -> None:
        answers.append(await _refresh(world, owner["refresh_token"]))

    async with anyio.create_task_group() as group:
        group.start_soon(use)
        group.start_soon(use)

    assert sorted(a.status_code for a in answers) == [200, 401]
    refused = next(a for a in answers if a.status_code == 401)
    assert refused.json()["error"]["code"] == "REFRESH_TOKEN_USED"
    assert await _works(world, owner)


async def test_refresh_integration_ends_the_session_when_a_used_token_comes_back(
    world: IdentityWorld,
) -> None:
    """C6: a third use, after the grace, revokes the whole family and is audited."""
    owner = await world.an_owner()
    second = (await _refresh(world, owner["refresh_token"])).json()
    world.clock.advance(11)

    stolen = await _refresh(world, owner["refresh_token"])
    successor = await _refresh(world, second["refresh_token"])

    assert stolen.json()["error"]["code"] == "REFRESH_TOKEN_REUSED"
    assert successor.json()["error"]["code"] == "REFRESH_TOKEN_INVALID"
    assert not await _works(world, second)
    assert "identity.refresh_tokens.reuse" in await world.audit_actions(owner["tenant_id"])


async def test_refresh_integration_refuses_expired_mistyped_and_other_tokens(
    world: IdentityWorld,
) -> None:
    """C3: an access token is no refresh token, and the other way round."""
    owner = await world.an_owner()
    mistyped = owner["refresh_token"][:-1] + ("a" if owner["refresh_token"][-1] != "a" else "b")

    codes = [
        (await _refresh(world, token)).json()["error"]["code"]
        for token in (mistyped, "tmr_short", owner["access_token"][:190])
    ]
    world.clock.advance(31 * 86_400)
    codes.append((await _refresh(world, owner["refresh_token"])).json()["error"]["code"])

    assert set(codes) == {"REFRESH_TOKEN_INVALID"}
    async with world.client(**bearer(owner["refresh_token"])) as client:
        assert (await client.get("/api/v1/auth/me")).status_code == 401


async def test_refresh_integration_stops_when_the_membership_ended(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    async with world.client(**bearer(owner)) as client:
        await client.delete(f"/api/v1/members/{bob['user_id']}")

    assert (await _refresh(world, bob["refresh_token"])).status_code == 401


async def _works(world: IdentityWorld, tokens: dict[str, str]) -> bool:
    async with world.client(**bearer(tokens)) as client:
        return (await client.get("/api/v1/auth/me")).status_code == 200
