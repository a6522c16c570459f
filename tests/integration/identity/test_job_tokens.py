from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.identity import PASSWORD, IdentityWorld, bearer, identity_world
from tidemill.core.actor import ActorKind, Origin, system
from tidemill.core.ids import TenantId, UserId
from tidemill.identity import IDENTITY, JOB_LIVENESS
from tidemill.identity.errors import JobStarterEnded, JobTokenNeedsPerson

pytestmark = pytest.mark.anyio

JOB = "job-1"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    async with identity_world(tmp_path) as world:
        yield world


class Running:
    """Says which executions are under way."""

    def __init__(self, *epochs: int) -> None:
        self.epochs = set(epochs)

    async def is_running(self, tenant_id: TenantId, job_id: str, epoch: int) -> bool:
        return epoch in self.epochs


async def _status(world: IdentityWorld, token: str, path: str = "/api/v1/members") -> int:
    async with world.client(**bearer(token)) as client:
        return (await client.get(path)).status_code


async def _code(world: IdentityWorld, token: str) -> str:
    async with world.client(**bearer(token)) as client:
        answer = await client.get("/api/v1/members")
    return str(answer.json()["error"]["code"])


async def _issue(world: IdentityWorld, credential: Any, **options: Any) -> str:
    text = credential if isinstance(credential, str) else credential["access_token"]
    actor = await world.authenticator.bearer(text, Origin())
    return world.job_tokens.issue_job_token(actor, JOB, **options)


async def test_job_tokens_integration_act_as_the_job_with_its_actors_rights(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "viewer", "bob@example.org")

    token = await _issue(world, bob)
    actor = await world.authenticator.bearer(token, Origin())

    assert (actor.kind, actor.id, actor.user_id) == (ActorKind.JOB, JOB, bob["user_id"])
    assert await _status(world, token) == 200
    assert await _status(world, token, "/api/v1/invitations") == 403
    assert await _status(world, token, "/api/v1/auth/sessions") == 403


async def test_job_tokens_integration_have_the_scopes_of_the_token_that_started_them(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    reader = await world.an_api_token(owner, "read")

    token = await _issue(world, reader)
    before = await _status(world, token)
    async with world.client(**bearer(token)) as client:
        denied = await client.post("/api/v1/tenants", json={"name": "X", "slug": "xx"})
    async with world.client(**bearer(owner)) as client:
        items = (await client.get("/api/v1/api-tokens")).json()["items"]
        await client.delete(f"/api/v1/api-tokens/{items[0]['id']}")

    assert (before, denied.status_code) == (200, 403)
    assert await _status(world, token) == 401


async def test_job_tokens_integration_end_with_their_token_also_over_other_jobs(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    first = await _issue(world, await world.an_api_token(owner, "admin"))
    second = await _issue(world, await _issue(world, first))
    actor = await world.authenticator.bearer(second, Origin())
    before = await world.authenticator.still_valid(actor)
    async with world.client(**bearer(owner)) as client:
        items = (await client.get("/api/v1/api-tokens")).json()["items"]
        await client.delete(f"/api/v1/api-tokens/{items[0]['id']}")

    assert before
    assert not await world.authenticator.still_valid(actor), "open sockets hear of it too"
    assert await _status(world, second) == 401


async def test_job_tokens_integration_outlive_the_expiry_of_the_token_that_started_them(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    starter = await world.an_api_token(owner, "admin")
    follower: Any = world.stores.invalidations
    world.clock.advance(89.9 * 86_400)
    await follower.look()
    token = await _issue(world, starter, ttl_seconds=86_400)
    world.clock.advance(0.2 * 86_400)
    await follower.look()

    assert await _status(world, starter) == 401, "nothing more can be started with it"
    assert await _status(world, token) == 200


async def test_job_tokens_integration_are_worth_nothing_once_their_token_has_expired(
    world: IdentityWorld,
) -> None:
    """What began in time may end; what begins later, or would be started by it, may not."""
    owner = await world.an_owner()
    starter = await world.authenticator.bearer(await world.an_api_token(owner, "admin"), Origin())
    running = world.job_tokens.issue_job_token(starter, JOB, ttl_seconds=86_400)
    began_at = world.clock.now()
    by_job = await world.authenticator.bearer(running, Origin())
    await world.job_tokens.check_starter(by_job)
    world.clock.advance(90.1 * 86_400)
    follower: Any = world.stores.invalidations
    await follower.look()

    late = [world.job_tokens.issue_job_token(one, "job-2") for one in (starter, by_job)]
    asked_late = world.job_tokens.issue_job_token(starter, JOB, began_at=began_at)

    assert await _status(world, asked_late) == 200, "it began in time, and asks for it only now"
    assert [await _code(world, token) for token in late] == ["JOB_RIGHTS_ENDED"] * 2
    for one in (starter, by_job):
        with pytest.raises(JobStarterEnded, match="the API token has expired"):
            await world.job_tokens.check_starter(one)


@pytest.mark.parametrize("generation", [1, 2])
async def test_job_tokens_integration_end_with_the_password_of_the_session_that_started_them(
    world: IdentityWorld, generation: int
) -> None:
    """A job that a thief put off has no rights after the owner has chosen a new password."""
    owner = await world.an_owner()
    stolen = await world.authenticator.bearer(owner["access_token"], Origin())
    token = world.job_tokens.issue_job_token(stolen, JOB)
    for _ in range(generation - 1):
        token = await _issue(world, token)
    actor = await world.authenticator.bearer(token, Origin())
    before = await _status(world, token)
    async with world.client(**bearer(owner)) as client:
        body = {"current_password": PASSWORD, "new_password": "another tide table"}
        changed = await client.put("/api/v1/auth/password", json=body)
    renewed = await _issue(world, changed.json())

    later = world.job_tokens.issue_job_token(stolen, "job-2")

    assert before == 200
    assert [await _code(world, one) for one in (token, later)] == ["JOB_RIGHTS_ENDED"] * 2
    assert not await world.authenticator.still_valid(actor), "open sockets hear of it too"
    with pytest.raises(JobStarterEnded, match="new password"):
        await world.job_tokens.check_starter(stolen)
    assert await _status(world, renewed) == 200, "what is started after it has its rights"


async def test_job_tokens_integration_go_on_when_their_starter_logs_out(
    world: IdentityWorld,
) -> None:
    """To log out ends a visit; what was started in it ends with what a theft would end."""
    owner = await world.an_owner()
    running = await _issue(world, owner)
    started = await world.authenticator.bearer(owner["access_token"], Origin())
    async with world.client(**bearer(owner)) as client:
        left = await client.post("/api/v1/auth/logout")
    later = world.job_tokens.issue_job_token(started, "job-2")

    assert left.status_code == 204, left.text
    assert await _status(world, owner["access_token"]) == 401
    assert [await _status(world, one) for one in (running, later)] == [200, 200]
    await world.job_tokens.check_starter(await world.authenticator.bearer(running, Origin()))


async def test_job_tokens_integration_of_a_schedule_or_a_token_survive_a_new_password(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    me = await world.authenticator.bearer(owner["access_token"], Origin())
    scheduler = system("scheduler", me.tenant_id)
    scheduled = await world.ports[IDENTITY].acting_for(UserId(owner["user_id"]), by=scheduler)  # type: ignore[attr-defined]
    by_token = await world.authenticator.bearer(await world.an_api_token(owner, "admin"), Origin())
    async with world.client(**bearer(owner)) as client:
        body = {"current_password": PASSWORD, "new_password": "another tide table"}
        assert (await client.put("/api/v1/auth/password", json=body)).status_code == 200

    tokens = [world.job_tokens.issue_job_token(one, JOB) for one in (scheduled, by_token)]

    assert [await _status(world, token) for token in tokens] == [200, 200]


async def test_job_tokens_integration_never_change_who_belongs_to_the_tenant(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    token = await _issue(world, owner)
    async with world.client(**bearer(token)) as client:
        answers = [
            await client.post("/api/v1/invitations", json={"role": "owner"}),
            await client.patch(f"/api/v1/members/{bob['user_id']}", json={"role": "owner"}),
            await client.delete(f"/api/v1/members/{bob['user_id']}"),
        ]
    async with world.client(**bearer(await _issue(world, bob))) as client:
        answers.append(await client.delete("/api/v1/members/me"))
    by_token = await world.an_api_token(owner, "admin")
    async with world.client(**bearer(by_token)) as client:
        invited = await client.post(
            "/api/v1/invitations", json={"role": "member", "email": "eve@x.org"}
        )

    assert {answer.json()["error"]["code"] for answer in answers} == {"PERMISSION_DENIED"}
    assert invited.status_code == 201, "an API token may, where its scopes say so"


async def test_job_tokens_integration_die_with_the_execution(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    running = Running(3)
    world.ports[JOB_LIVENESS] = running

    ended = await _issue(world, owner, epoch=2)
    current = await _issue(world, owner, epoch=3)
    actor = await world.authenticator.bearer(current, Origin())
    first = (await _status(world, ended), await _status(world, current))
    assert await world.authenticator.still_valid(actor)
    running.epochs.clear()
    world.clock.advance(1.1)

    assert first == (401, 200)
    assert await _status(world, current) == 401
    assert not await world.authenticator.still_valid(actor)


async def test_job_tokens_integration_expire_and_follow_the_membership(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    bob = await world.a_member(owner, "member", "bob@example.org")
    token, short = await _issue(world, bob), await _issue(world, bob, ttl_seconds=5)
    async with world.client(**bearer(owner)) as client:
        await client.delete(f"/api/v1/members/{bob['user_id']}")
    removed = await _status(world, token)
    world.clock.advance(36)
    follower: Any = world.stores.invalidations
    await follower.look()
    async with world.client(**bearer(short)) as client:
        expired = (await client.get("/api/v1/auth/me")).json()["error"]["code"]

    assert removed == 401
    assert expired == "TOKEN_EXPIRED"


async def test_job_tokens_integration_need_a_person(world: IdentityWorld) -> None:
    with pytest.raises(JobTokenNeedsPerson):
        world.job_tokens.issue_job_token(system("scheduler"), JOB)
