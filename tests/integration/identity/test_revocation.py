"""C7: what is revoked in one process stops in another within two seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.fixtures.identity import PASSWORD, IdentityWorld, bearer, identity_worlds
from tests.fixtures.waiting import Stopwatch
from tidemill.core.actor import Origin
from tidemill.core.operators import OPERATORS
from tidemill.settings.operators.service import FirstOwners

pytestmark = [pytest.mark.anyio, pytest.mark.needs("postgres")]

_seconds_max = 2.0


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[Sequence[IdentityWorld]]:
    async with identity_worlds(tmp_path, "schema", 2) as worlds:
        yield worlds


async def _status(world: IdentityWorld, credential: Any) -> int:
    async with world.client(**bearer(credential)) as client:
        return (await client.get("/api/v1/members")).status_code


async def _stops(world: IdentityWorld, credential: Any) -> None:
    """Return when the credential is refused, which must be soon."""
    watch = Stopwatch()
    while await _status(world, credential) != 401:
        assert watch.look() < _seconds_max
        await anyio.sleep(0.01)  # Another process decides.


async def test_revocation_integration_of_sessions_tokens_and_members_crosses_processes(
    worlds: Sequence[IdentityWorld],
) -> None:
    here, there = worlds
    owner = await here.an_owner()
    bob = await here.a_member(owner, "member", "bob@example.org")
    eve = await here.a_member(owner, "member", "eve@example.org")
    token = await here.an_api_token(owner, "read")
    for credential in (bob, eve, token):
        assert await _status(there, credential) == 200
        assert await _status(there, credential) == 200

    async with here.client(**bearer(bob)) as client:
        await client.post("/api/v1/auth/logout")
    await _stops(there, bob)
    async with here.client(**bearer(owner)) as client:
        items = (await client.get("/api/v1/api-tokens")).json()["items"]
        await client.delete(f"/api/v1/api-tokens/{items[0]['id']}")
    await _stops(there, token)
    async with here.client(**bearer(owner)) as client:
        await client.delete(f"/api/v1/members/{eve['user_id']}")
    await _stops(there, eve)


async def test_revocation_integration_of_an_account_crosses_processes(
    worlds: Sequence[IdentityWorld],
) -> None:
    here, there = worlds
    owner = await here.an_owner()
    bob = await here.a_member(owner, "member", "bob@example.org")
    token = await here.an_api_token(bob, "read")
    here.ports[OPERATORS] = FirstOwners(here.stores.control)
    for credential in (bob, token):
        assert await _status(there, credential) == 200

    async with here.client(**bearer(owner)) as client:
        await client.post(f"/api/v1/users/{bob['user_id']}/disable")
        await _stops(there, token)
        await _stops(there, bob)
        await client.post(f"/api/v1/users/{bob['user_id']}/enable")

    watch = Stopwatch()
    while await _status(there, token) != 200:
        assert watch.look() < _seconds_max
        await anyio.sleep(0.01)


async def test_revocation_integration_by_a_new_password_crosses_processes(
    worlds: Sequence[IdentityWorld],
) -> None:
    here, there = worlds
    await here.an_owner()
    phone, laptop = await here.tokens(), await here.tokens()
    assert await _status(there, phone) == 200

    async with here.client(**bearer(laptop)) as client:
        await client.put(
            "/api/v1/auth/password",
            json={"current_password": PASSWORD, "new_password": "another tide table"},
        )

    await _stops(there, phone)


async def test_revocation_integration_of_a_role_crosses_processes(
    worlds: Sequence[IdentityWorld],
) -> None:
    here, there = worlds
    owner = await here.an_owner()
    bob = await here.a_member(owner, "admin", "bob@example.org")
    async with there.client(**bearer(bob)) as client:
        assert (await client.get("/api/v1/invitations")).status_code == 200
        actor = await there.authenticator.bearer(bob["access_token"], Origin())
        assert await there.authenticator.still_valid(actor)

        async with here.client(**bearer(owner)) as owners:
            await owners.patch(f"/api/v1/members/{bob['user_id']}", json={"role": "viewer"})
        watch, status = Stopwatch(), 200
        while status != 403:
            assert watch.look() < _seconds_max
            await anyio.sleep(0.01)
            status = (await client.get("/api/v1/invitations")).status_code

    assert not await there.authenticator.still_valid(actor), "open sockets are closed"


async def test_revocation_integration_is_looked_up_when_the_store_was_silent(
    worlds: Sequence[IdentityWorld],
) -> None:
    """Silence of five seconds: entries are verified directly. Of thirty: nobody is let in."""
    here, there = worlds
    owner = await here.an_owner()
    bob = await here.a_member(owner, "member", "bob@example.org")
    follower: Any = there.stores.invalidations
    await follower.stop()
    follower._confirmed += 600  # However long the next steps take, no silence is seen in them.
    # After the stop: what bob's registration made void must not take away what is cached here.
    assert await _status(there, bob) == 200

    async with here.client(**bearer(bob)) as client:
        await client.post("/api/v1/auth/logout")
    cached = await _status(there, bob)
    follower._confirmed -= 606
    verified = await _status(there, bob)
    follower._confirmed -= 30
    async with there.client(**bearer(owner)) as client:
        silent = await client.get("/api/v1/members")

    assert (cached, verified) == (200, 401)
    assert silent.status_code == 503
    assert silent.json()["error"]["code"] == "CREDENTIALS_UNVERIFIABLE"
    assert "retry-after" in silent.headers
