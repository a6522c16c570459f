from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.identity import (
    OWNER_EMAIL,
    PASSWORD,
    IdentityWorld,
    bearer,
    identity_world,
)

pytestmark = pytest.mark.anyio

CREDENTIALS = {"email": OWNER_EMAIL, "password": PASSWORD}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    async with identity_world(tmp_path) as world:
        await world.an_owner()
        yield world


async def _open(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/api/v1/auth/sessions", json=CREDENTIALS)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_sessions_integration_set_a_cookie_that_scripts_cannot_read(
    world: IdentityWorld,
) -> None:
    async with world.client() as client:
        answer = await client.post("/api/v1/auth/sessions", json=CREDENTIALS)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("tm_session=tms_")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "tms_" not in answer.text


async def test_sessions_integration_bind_the_cookie_to_the_host_under_tls(
    tmp_path: Path, world: IdentityWorld
) -> None:
    """D3: with TLS the cookie has the `__Host-` name and is Secure."""
    doorway = world.part("doorway")
    doorway._secure = True
    async with world.client() as client:
        answer = await client.post("/api/v1/auth/sessions", json=CREDENTIALS)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-tm_session=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


async def test_sessions_integration_read_by_cookie_and_write_with_the_csrf_token(
    world: IdentityWorld,
) -> None:
    """D1: unsafe methods by cookie need the token; `me` repeats it after a reload."""
    async with world.client() as client:
        session = await _open(client)
        me = (await client.get("/api/v1/auth/me")).json()
        without = await client.patch("/api/v1/auth/me", json={"name": "Ada L."})
        wrong = await client.patch(
            "/api/v1/auth/me", json={"name": "Ada L."}, headers={"x-csrf-token": "0" * 64}
        )
        right = await client.patch(
            "/api/v1/auth/me",
            json={"name": "Ada L."},
            headers={"x-csrf-token": session["csrf_token"]},
        )

    assert me["csrf_token"] == session["csrf_token"]
    assert without.json()["error"]["code"] == "CSRF_TOKEN_MISSING"
    assert wrong.status_code == 403
    assert right.json()["name"] == "Ada L."


async def test_sessions_integration_refuse_other_sites(world: IdentityWorld) -> None:
    """D1: neither logging in nor a write is possible from another site's page."""
    async with world.client() as client:
        session = await _open(client)
        headers = {"Origin": "https://evil.example", "x-csrf-token": session["csrf_token"]}
        write = await client.patch("/api/v1/auth/me", json={"name": "X"}, headers=headers)
        login = await client.post(
            "/api/v1/auth/sessions", json=CREDENTIALS, headers={"Origin": "https://evil.example"}
        )

    assert write.json()["error"]["code"] == "ORIGIN_NOT_ALLOWED"
    assert login.json()["error"]["code"] == "ORIGIN_NOT_ALLOWED"


async def test_sessions_integration_end_when_they_are_idle(world: IdentityWorld) -> None:
    idle = world.config.auth.session_idle_hours * 3600
    async with world.client() as client:
        await _open(client)
        for _ in range(3):  # In use, a session outlives the idle time.
            world.clock.advance(idle - 60)
            await _confirm(world)
            assert (await client.get("/api/v1/auth/me")).status_code == 200
        world.clock.advance(idle + 1)
        await _confirm(world)
        ended = await client.get("/api/v1/auth/me")

    assert ended.json()["error"]["code"] == "SESSION_EXPIRED"


async def test_sessions_integration_end_at_their_age_even_when_used(tmp_path: Path) -> None:
    async with identity_world(tmp_path, session_days=2) as world:
        await world.an_owner()
        async with world.client() as client:
            await _open(client)
            for _ in range(2):
                world.clock.advance(86_399)
                await _confirm(world)
                assert (await client.get("/api/v1/auth/me")).status_code == 200
            world.clock.advance(10)
            await _confirm(world)
            ended = await client.get("/api/v1/auth/me")

    assert ended.json()["error"]["code"] == "SESSION_EXPIRED"


async def test_sessions_integration_are_listed_and_ended_by_device(world: IdentityWorld) -> None:
    phone = await world.tokens()
    laptop = await world.tokens()
    async with world.client(**bearer(laptop)) as client:
        listed = (await client.get("/api/v1/auth/sessions")).json()["items"]
        ended = await client.delete(f"/api/v1/auth/sessions/{phone['session_id']}")
        again = await client.delete(f"/api/v1/auth/sessions/{phone['session_id']}")
        unknown = await client.delete("/api/v1/auth/sessions/none")
    async with world.client(**bearer(phone)) as client:
        refused = await client.get("/api/v1/auth/me")

    assert {s["id"] for s in listed} >= {phone["session_id"], laptop["session_id"]}
    assert [s["id"] for s in listed if s["current"]] == [laptop["session_id"]]
    assert (ended.status_code, again.status_code, unknown.status_code) == (204, 204, 404)
    assert refused.json()["error"]["code"] == "SESSION_REVOKED"


async def test_sessions_integration_of_others_cannot_be_ended(world: IdentityWorld) -> None:
    """Defects 2 and 3 of 1.3: whose session it is decides, not the path."""
    owner = await world.tokens()
    bob = await world.a_member(owner, "admin", "bob@example.org")
    async with world.client(**bearer(bob)) as client:
        refused = await client.delete(f"/api/v1/auth/sessions/{owner['session_id']}")
    async with world.client(**bearer(owner)) as client:
        still = await client.get("/api/v1/auth/me")

    assert (refused.status_code, still.status_code) == (404, 200)


async def test_sessions_integration_end_all_but_the_current(world: IdentityWorld) -> None:
    phone, laptop = await world.tokens(), await world.tokens()
    async with world.client(**bearer(laptop)) as client:
        await client.delete("/api/v1/auth/sessions")
        mine = await client.get("/api/v1/auth/me")
    async with world.client(**bearer(phone)) as client:
        other = await client.get("/api/v1/auth/me")

    assert (mine.status_code, other.status_code) == (200, 401)


async def test_sessions_integration_log_out_ends_cookie_and_session(world: IdentityWorld) -> None:
    async with world.client() as client:
        session = await _open(client)
        cookie = client.cookies["tm_session"]
        out = await client.post(
            "/api/v1/auth/logout", headers={"x-csrf-token": session["csrf_token"]}
        )
        client.cookies.set("tm_session", cookie)
        after = await client.get("/api/v1/auth/me")

    assert out.status_code == 204
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert after.json()["error"]["code"] == "SESSION_REVOKED"


async def test_sessions_integration_switch_between_tenants(world: IdentityWorld) -> None:
    owner = await world.tokens()
    async with world.client(**bearer(owner)) as client:
        second = (
            await client.post("/api/v1/tenants", json={"name": "Second", "slug": "second"})
        ).json()
        switched = (
            await client.put("/api/v1/auth/tenant", json={"tenant_id": second["id"]})
        ).json()
        foreign = await client.put("/api/v1/auth/tenant", json={"tenant_id": "other"})
        refreshed = (
            await client.post(
                "/api/v1/auth/refresh", json={"refresh_token": owner["refresh_token"]}
            )
        ).json()
    async with world.client(**bearer(switched)) as client:
        me = (await client.get("/api/v1/auth/me")).json()

    assert me["tenant"]["slug"] == "second"
    assert {t["slug"] for t in me["tenants"]} == {"second", "tide-works"}
    assert refreshed["tenant_id"] == second["id"]
    assert foreign.status_code == 404


async def test_sessions_integration_write_the_last_use_at_most_once_a_minute(
    world: IdentityWorld,
) -> None:
    owner = await world.tokens()
    async with world.client(**bearer(owner)) as client:
        before = (await client.get("/api/v1/auth/sessions")).json()["items"]
        world.clock.advance(90)
        await _confirm(world)
        await client.get("/api/v1/auth/me")
        await _flush(world)
        after = (await client.get("/api/v1/auth/sessions")).json()["items"]

    def seen(items: list[dict[str, str]]) -> str:
        return next(s["last_seen_at"] for s in items if s["id"] == owner["session_id"])

    assert seen(after) > seen(before)


async def _confirm(world: IdentityWorld) -> None:
    """Let the cache hear from the store, which a jump of the clock made look silent."""
    follower: Any = world.stores.invalidations
    await follower.look()


async def _flush(world: IdentityWorld) -> None:
    for service in world.offer.services:
        if hasattr(service, "flush"):
            await service.flush()
