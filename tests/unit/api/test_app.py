from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from litestar import Response
from litestar.connection import Request

from tidemill.api.app import ApiOptions, Probes, create_app
from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.authorization import Permission, Scope
from tidemill.core.errors import Unauthenticated
from tidemill.core.ids import TenantId
from tidemill.core.module import Offer
from tidemill.core.pages import PageRequest
from tidemill.core.ports import RateLimitState
from tidemill.http import Body, Idempotency, Public, SessionActor, View, get, post, single
from tidemill.http.authentication import Kit

pytestmark = pytest.mark.anyio

READ = Permission(name="test.things.read", role=Role.VIEWER, scope=Scope.READ)
WRITE = Permission(name="test.things.write", role=Role.MEMBER, scope=Scope.WRITE)
ROLES = {"viewer-token": Role.VIEWER, "member-token": Role.MEMBER}


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Thing(Body, frozen=True, kw_only=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=10)]
    size: int = 0
    colour: Colour | None = None


class ThingView(View, frozen=True, kw_only=True):
    title: str


@get("/things/{thing_id:str}", READ)
async def read_thing(thing_id: str, request: Request[Any, Any, Any]) -> Response[ThingView]:
    return single(ThingView(title=thing_id), version=3, request=request)


@get("/things", READ)
async def list_things(page: PageRequest, actor: Actor) -> dict[str, Any]:
    return {"limit": page.limit, "actor": actor.id}


@post("/things", WRITE)
async def create_thing(data: Thing, idempotency: Idempotency, mode: str = "a") -> dict[str, Any]:
    return {
        "mode": mode,
        "title": data.title,
        "key": idempotency.key,
        "fingerprint": idempotency.fingerprint,
    }


@get("/broken", Public(reason="test"))
async def broken() -> None:
    message = "the secret of SELECT * FROM passwords"
    raise RuntimeError(message)


@get("/long", Public(reason="test"))
async def long_answer() -> dict[str, str]:
    return {"text": "x" * 5000}


class _Authenticator:
    async def bearer(self, token: str, origin: Origin) -> Actor:
        if token not in ROLES:
            raise Unauthenticated("No such token.")
        return Actor(
            kind=ActorKind.USER, id="u1", tenant_id=TenantId("t1"), role=ROLES[token], origin=origin
        )

    async def session(self, cookie: str, origin: Origin) -> SessionActor:
        actor = await self.bearer(cookie, origin)
        return SessionActor(actor=actor, csrf_token="csrf-1")

    async def still_valid(self, actor: Actor) -> bool:
        return True


class _Unlimited:
    async def take(self, key: str, *, per_minute: int, burst: int, cost: int = 1) -> RateLimitState:
        return RateLimitState(
            allowed=True, limit=burst, remaining=burst, retry_after_seconds=0, reset_seconds=0
        )


async def _ill() -> str | None:
    return "the disk is full"


async def _well() -> str | None:
    return None


def an_app(check: Callable[[], Awaitable[str | None]]) -> httpx.AsyncClient:
    """Return a client of an application whose disk is as `check` says."""
    kit = Kit(
        authenticator=_Authenticator(),
        rate_limiter=_Unlimited(),
        requests_per_minute=lambda: 0,
        allowed_origins=frozenset({"https://board.example"}),
    )
    offer = Offer(routes=[read_thing, list_things, create_thing, broken, long_answer])
    app, _ = create_app(
        [offer],
        kit,
        ApiOptions(body_bytes_max=10_000),
        Probes(
            checks={"disk": check},
            render_metrics=lambda: b"# none\n",
            observe=lambda *_: None,
        ),
    )
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # its own Scope type
    return httpx.AsyncClient(transport=transport, base_url="http://tidemill.test")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with an_app(_ill) as client:
        yield client


MEMBER = {"Authorization": "Bearer member-token"}


def _error(answer: httpx.Response) -> dict[str, Any]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "code", "param"}
    error: dict[str, Any] = body["error"]
    return error


async def test_app_of_the_same_routes_as_another_has_services_of_its_own() -> None:
    async with an_app(_ill) as ill, an_app(_well) as well:
        answers = [await one.get("/ready") for one in (ill, well, ill)]

    assert [answer.status_code for answer in answers] == [503, 200, 503]


async def test_app_answers_head_wherever_there_is_get(client: httpx.AsyncClient) -> None:
    got = await client.get("/api/v1/long")
    asked = await client.head("/api/v1/long")
    refused = await client.head("/api/v1/things")

    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == got.headers["content-length"]
    assert (refused.status_code, refused.content) == (401, b"")


async def test_app_names_the_methods_that_a_path_answers(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/api/v1/things", headers=MEMBER)

    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert "Possible: GET, HEAD, OPTIONS, POST." in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/nowhere", {}, 404, "ROUTE_NOT_FOUND"),
        ("DELETE", "/api/v1/things", {"headers": MEMBER}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v1/things", {}, 401, "CREDENTIALS_MISSING"),
        (
            "GET",
            "/api/v1/things",
            {"headers": {"Authorization": "Basic x"}},
            401,
            "CREDENTIALS_MALFORMED",
        ),
        ("GET", "/api/v1/things?limit=0", {"headers": MEMBER}, 400, "INVALID_INPUT"),
        ("GET", "/api/v1/things?limit=ten", {"headers": MEMBER}, 400, "VALIDATION_FAILED"),
        ("GET", "/api/v1/things?cursor=x!", {"headers": MEMBER}, 400, "INVALID_CURSOR"),
        (
            "POST",
            "/api/v1/things",
            {"headers": {"Authorization": "Bearer viewer-token"}, "json": {"title": "a"}},
            403,
            "PERMISSION_DENIED",
        ),
        (
            "POST",
            "/api/v1/things",
            {"headers": MEMBER, "content": b"{"},
            400,
            "VALIDATION_FAILED",
        ),
        (
            "POST",
            "/api/v1/things",
            {"headers": MEMBER, "content": b"x" * 10_001},
            413,
            "BODY_TOO_LARGE",
        ),
    ],
)
async def test_every_refusal_has_the_one_format(  # S9
    client: httpx.AsyncClient,
    method: str,
    path: str,
    options: dict[str, Any],
    status: int,
    code: str,
) -> None:
    answer = await client.request(method, path, **options)

    assert (answer.status_code, _error(answer)["code"]) == (status, code)
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"title": "\xff"}', "not UTF-8"),
        (b"[" * 4_000, "nested too deeply"),
    ],
    ids=["bytes", "deep"],
)
async def test_validation_refuses_a_body_that_cannot_be_decoded(
    client: httpx.AsyncClient, body: bytes, words: str
) -> None:
    headers = {**MEMBER, "Content-Type": "application/json"}

    answer = await client.post("/api/v1/things", content=body, headers=headers)

    assert (answer.status_code, _error(answer)["code"]) == (400, "VALIDATION_FAILED")
    assert words in _error(answer)["message"]


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({}, "title", "missing"),
        ({"title": ""}, "title", "not empty"),
        ({"title": "a", "is_admin": True}, "is_admin", "not a field"),
        ({"title": "a", "size": "big"}, "size", "Expected a whole number"),
        ({"title": "a", "colour": "pink"}, "colour", "'pink' is not one of red, blue."),
    ],
)
async def test_validation_names_the_field_and_what_would_be_right(
    client: httpx.AsyncClient, body: dict[str, Any], param: str, words: str
) -> None:
    answer = await client.post("/api/v1/things", json=body, headers=MEMBER)

    error = _error(answer)
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_FAILED")
    assert error["param"] == param
    assert words in error["message"]


async def test_a_chunked_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000

    answer = await client.post("/api/v1/things", content=chunks(), headers=MEMBER)

    assert (answer.status_code, _error(answer)["code"]) == (413, "BODY_TOO_LARGE")


async def test_an_internal_error_shows_a_request_id_and_nothing_else(  # S11
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/v1/broken", headers={"X-Request-Id": "request-0001"})

    assert answer.status_code == 500
    assert _error(answer)["code"] == "INTERNAL_ERROR"
    assert "request-0001" in answer.text
    assert "passwords" not in answer.text


async def test_a_session_may_read_and_needs_its_csrf_token_to_write(  # D1
    client: httpx.AsyncClient,
) -> None:
    client.cookies.set("tm_session", "member-token")

    read = await client.get("/api/v1/things")
    without = await client.post("/api/v1/things", json={"title": "a"})
    foreign = await client.post(
        "/api/v1/things",
        json={"title": "a"},
        headers={"x-csrf-token": "csrf-1", "Origin": "https://evil.example"},
    )
    proper = await client.post(
        "/api/v1/things",
        json={"title": "a"},
        headers={"x-csrf-token": "csrf-1", "Origin": "http://tidemill.test"},
    )

    assert read.status_code == 200
    assert _error(without)["code"] == "CSRF_TOKEN_MISSING"
    assert _error(foreign)["code"] == "ORIGIN_NOT_ALLOWED"
    assert proper.status_code == 201


async def test_a_known_version_answers_304(client: httpx.AsyncClient) -> None:
    first = await client.get("/api/v1/things/a", headers=MEMBER)
    again = await client.get(
        "/api/v1/things/a", headers={**MEMBER, "If-None-Match": first.headers["etag"]}
    )

    assert first.headers["etag"] == '"v3"'
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("known", ['W/"v3"', '"v1", "v3"', "*"])
async def test_a_known_version_answers_304_also_when_a_proxy_weakened_its_tag(
    client: httpx.AsyncClient, known: str
) -> None:
    answer = await client.get("/api/v1/things/a", headers={**MEMBER, "If-None-Match": known})

    assert answer.status_code == 304


async def test_another_query_is_another_request_under_an_idempotency_key(
    client: httpx.AsyncClient,
) -> None:
    headers = {**MEMBER, "Idempotency-Key": "k"}
    seen = [
        (await client.post(path, headers=headers, json={"title": "a"})).json()["fingerprint"]
        for path in ("/api/v1/things?mode=a", "/api/v1/things?mode=b", "/api/v1/things?mode=a")
    ]

    assert seen[0] == seen[2] != seen[1]


async def test_security_headers_are_on_every_answer(client: httpx.AsyncClient) -> None:  # D3
    for path in ("/health", "/nowhere", "/api/v1/things"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "x-frame-options" in headers


async def test_long_answers_are_compressed_and_short_ones_are_not(
    client: httpx.AsyncClient,
) -> None:
    long_one = await client.get("/api/v1/long")
    short_one = await client.get("/health")

    assert long_one.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in short_one.headers


async def test_health_is_plain_and_open(client: httpx.AsyncClient) -> None:  # R064
    answer = await client.get("/health")

    assert (answer.status_code, answer.text) == (200, "OK")


async def test_ready_names_the_part_that_does_not_work(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ready")

    assert answer.status_code == 503
    assert answer.json()["parts"] == [
        {"name": "disk", "ready": False, "vital": True, "reason": "the disk is full"}
    ]


async def test_the_docs_are_served_without_foreign_hosts(client: httpx.AsyncClient) -> None:
    page = await client.get("/api/docs/swagger")
    script = await client.get("/api/docs/assets/swagger-ui-bundle.js")

    assert page.status_code == 200
    assert "https://" not in page.text
    assert 'request.headers["x-csrf-token"]' in page.text, "what a session tries may change things"
    assert script.status_code == 200


async def test_openapi_describes_the_errors(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/docs/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    responses = document["paths"]["/api/v1/things"]["post"]["responses"]
    assert {"201", "400", "401", "403", "409", "503"} <= set(responses)
