from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from litestar.connection import Request

from tests.fixtures.stores import StoreClock
from tidemill.api.app import ApiOptions, Probes, create_app
from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.authorization import Permission, Scope
from tidemill.core.ids import TenantId
from tidemill.core.module import Offer
from tidemill.http import FOR_GUESTS, Public, SessionActor, context_of, get
from tidemill.http.authentication import CredentialsMalformed, Kit
from tidemill.infrastructure.cache import MemoryRateLimiter

pytestmark = pytest.mark.anyio

READ = Permission(name="test.things.read", role=Role.VIEWER, scope=Scope.READ)
TOKEN = {"Authorization": "Bearer anything"}


@get("/open", Public(reason="test"))
async def open_route(request: Request[Any, Any, Any]) -> dict[str, str]:
    return {"address": context_of(request.scope).address}


@get("/closed", READ)
async def closed_route() -> dict[str, str]:
    return {}


@get("/shared", READ, opt=FOR_GUESTS)
async def shared_route() -> dict[str, str]:
    return {}


class _Authenticator:
    async def bearer(self, token: str, origin: Origin) -> Actor:
        if token == "guessed":
            raise CredentialsMalformed
        kind = ActorKind.GUEST if token.startswith("guest") else ActorKind.USER
        return Actor(kind=kind, id=token, tenant_id=TenantId("t1"), role=Role.OWNER)

    async def session(self, cookie: str, origin: Origin) -> SessionActor:
        return SessionActor(actor=await self.bearer(cookie, origin), csrf_token="csrf")

    async def still_valid(self, actor: Actor) -> bool:
        return True


@pytest.fixture
async def limits() -> dict[str, int]:
    return {"own": 3, "tenant": 0}


@pytest.fixture
async def client(limits: dict[str, int]) -> AsyncIterator[httpx.AsyncClient]:
    kit = Kit(
        authenticator=_Authenticator(),
        rate_limiter=MemoryRateLimiter(StoreClock()),
        requests_per_minute=lambda: limits["own"],
        tenant_requests_per_minute=lambda: limits["tenant"],
        allowed_origins=frozenset(),
        secure=True,
    )
    app, _ = create_app(
        [Offer(routes=[open_route, closed_route, shared_route])],
        kit,
        ApiOptions(body_bytes_max=1000, trusted_proxies=("10.0.0.0/8",)),
        Probes(checks={}, render_metrics=lambda: b"", observe=lambda *_: None),
    )
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))  # type: ignore[arg-type]  # its own Scope type
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_answers_tell_how_much_of_the_nearest_limit_is_left(
    client: httpx.AsyncClient, limits: dict[str, int]
) -> None:
    limits["tenant"] = 2

    headers = (await client.get("/api/v1/closed", headers=TOKEN)).headers

    assert (headers["ratelimit-limit"], headers["ratelimit-remaining"]) == ("2", "1")
    assert int(headers["ratelimit-reset"]) >= 1


async def test_an_address_is_bounded_where_no_credential_is_needed(
    client: httpx.AsyncClient,
) -> None:
    answers = [await client.get("/api/v1/open") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["error"]["code"] == "TOO_MANY_REQUESTS"
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_an_address_is_bounded_in_its_guesses_at_credentials(
    client: httpx.AsyncClient,
) -> None:
    wrong = {"Authorization": "Bearer guessed"}
    guesses = [await client.get("/api/v1/closed", headers=wrong) for _ in range(4)]
    known = await client.get("/api/v1/closed", headers=TOKEN)

    assert [answer.status_code for answer in guesses] == [401, 401, 401, 429]
    assert known.status_code == 200, "who has a credential is counted by it"


async def test_addresses_that_one_holder_commands_are_bounded_together(
    client: httpx.AsyncClient,
) -> None:
    statuses: list[int] = []
    for number in range(4):
        cast("Any", client)._transport.client = (f"2001:db8::{number}", 1)
        statuses.append((await client.get("/api/v1/open")).status_code)

    assert statuses == [200, 200, 200, 429]


async def test_a_tenant_is_bounded_whoever_asks(
    client: httpx.AsyncClient, limits: dict[str, int]
) -> None:
    limits["own"], limits["tenant"] = 0, 2

    statuses = [
        (
            await client.get("/api/v1/closed", headers={"Authorization": f"Bearer user{number}"})
        ).status_code
        for number in range(3)
    ]

    assert statuses == [200, 200, 429]


async def test_a_guest_is_bounded_alone_and_takes_nothing_from_the_tenant(
    client: httpx.AsyncClient, limits: dict[str, int]
) -> None:
    limits["own"], limits["tenant"] = 2, 1

    statuses = [
        (await client.get("/api/v1/shared", headers={"Authorization": f"Bearer {who}"})).status_code
        for who in ("guest1", "guest1", "guest1", "guest2", "member")
    ]

    assert statuses == [200, 200, 429, 200, 200]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_a_stranger_behind_an_untrusted_local_proxy_does_not_look_local(
    client: httpx.AsyncClient, header: str
) -> None:
    answer = await client.get("/api/v1/open", headers={header: "203.0.113.9"})

    assert answer.json() == {"address": "unknown"}


async def test_a_stranger_who_is_gone_does_not_look_local(client: httpx.AsyncClient) -> None:
    """The server knows no address of a peer that reset its connection at once."""
    cast("Any", client)._transport.client = None

    answer = await client.get("/api/v1/open")

    assert answer.json() == {"address": "unknown"}


async def test_by_tls_only_the_host_cookie_is_a_session(client: httpx.AsyncClient) -> None:
    client.cookies.set("tm_session", "planted")
    planted = await client.get("/api/v1/closed")
    client.cookies.set("__Host-tm_session", "own")
    own = await client.get("/api/v1/closed")

    assert (planted.status_code, own.status_code) == (401, 200)
