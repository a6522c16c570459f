"""Every route of OpenAPI against every sort of credential (A1, A2, S5).

A route that is missing in `MATRIX`, or whose permission says something else, fails.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
from msgspec import Struct

from tests.fixtures.app import App, make_app
from tests.fixtures.asgi import Decision, decide
from tests.fixtures.public_routes import PUBLIC
from tests.fixtures.route_rights import MATRIX
from tidemill.core.actor import Origin, Role
from tidemill.core.clock import Instant
from tidemill.http.authentication import AUTHENTICATOR
from tidemill.identity import JOB_TOKENS
from tidemill.runtime.clock import SystemClock

pytestmark = pytest.mark.anyio

SCOPES: Final = (
    "read", "write", "admin", "jobs:run", "llm:chat", "board:read", "board:write", "scripts:write"
)  # fmt: skip
# These end the caller's own credential, so each call of them gets a fresh one, and the membership
# goes last.
_ENDS_CALLER: Final = ("/api/v1/auth/logout", "/api/v1/auth/sessions", "/api/v1/members/me")
_SCOPE_RANKS: Final = {"read": 0, "write": 1, "admin": 2}
_ABSENT: Final = "019c0000-0000-7000-8000-000000000000"
_PASSWORD: Final = "a long Passw0rd of a member"
_JSON: Final = {"content-type": "application/json"}


class Route(Struct, frozen=True):
    """A line of the matrix."""

    method: str
    path: str
    role: Role
    scope: str
    resource_scope: str = ""

    @property
    def url(self) -> str:
        """Return an address of things that do not exist."""
        return re.sub(r"\{\w+\}", _ABSENT, self.path.replace("{attempt}", "1"))

    def allows_scope(self, scope: str) -> bool:
        """Return whether a token with this one scope gets in."""
        if self.scope == "human":
            return False
        if scope in _SCOPE_RANKS:
            return _SCOPE_RANKS[scope] >= _SCOPE_RANKS[self.scope]
        return scope == self.resource_scope


ROUTES: Final = tuple(
    Route(parts[0], parts[1], Role(parts[2]), *parts[3:])
    for parts in (line.split() for line in MATRIX.strip().splitlines())
)


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("matrix")) as app:
        yield app


async def test_route_matrix_names_every_route_and_no_other(app: App) -> None:
    document = (await app.owner.get("/api/docs/openapi.json")).json()
    found = {
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item
    }

    named = {f"{route.method} {route.path}" for route in ROUTES}
    public = {" ".join(line.split()) for line in PUBLIC.strip().splitlines()}

    assert found - named - public == set(), "say in the matrix who may use these routes"
    assert (named | public) - found == set(), "these routes are gone"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "CREDENTIALS_MISSING"),
        ("Basic YTpi", "CREDENTIALS_MALFORMED"),
        ("Bearer", "CREDENTIALS_MALFORMED"),
        ("Bearer not.a.token", "TOKEN_MALFORMED"),
        ("Bearer tmk_nonsense", "TOKEN_MALFORMED"),
    ],
)
async def test_route_matrix_refuses_missing_and_malformed_credentials(
    app: App, header: str | None, code: str
) -> None:
    headers = {} if header is None else {"authorization": header}

    wrong = [
        (route.method, route.path, decision)
        for route, decision in await _decisions(app, headers)
        if decision != Decision(status=401, code=code)
    ]

    assert wrong == []


async def test_route_matrix_refuses_expired_tokens(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = _token_of(app.owner)
    real = SystemClock.now
    later = 3600 * 1_000_000
    monkeypatch.setattr(SystemClock, "now", lambda self: Instant(real(self) + later))

    wrong = [
        (route.method, route.path, decision)
        for route, decision in await _decisions(app, {"authorization": f"Bearer {token}"})
        if decision != Decision(status=401, code="TOKEN_EXPIRED")
    ]

    assert wrong == []


@pytest.mark.parametrize("role", list(Role))
async def test_route_matrix_lets_each_role_do_what_it_says(app: App, role: Role) -> None:
    email = f"matrix-{role}@example.org"
    token = await _register(app, role, email)
    wrong: list[str] = []
    for route in sorted(ROUTES, key=lambda route: route.path.endswith("/members/me")):
        if route.path in _ENDS_CALLER and route.method != "GET":
            token = _token_of(await app.log_in(email, _PASSWORD))
        decision = await _decide(app, route, {"authorization": f"Bearer {token}"})
        if route.path in _ENDS_CALLER and not route.path.endswith("/members/me"):
            token = _token_of(await app.log_in(email, _PASSWORD))
        wrong += _mismatch(route, decision, allowed=role.rank >= route.role.rank)

    assert wrong == []


@pytest.mark.parametrize("scope", SCOPES)
async def test_route_matrix_lets_each_scope_do_what_it_says(app: App, scope: str) -> None:
    made = await app.owner.post("/api/v1/api-tokens", json={"name": scope, "scopes": [scope]})
    assert made.status_code == 201, made.text
    headers = {"authorization": f"Bearer {made.json()['token']}"}

    wrong = [
        mismatch
        for route, decision in await _decisions(app, headers)
        for mismatch in _mismatch(route, decision, allowed=route.allows_scope(scope))
    ]

    assert wrong == []


async def test_route_matrix_keeps_jobs_from_what_is_for_people(app: App) -> None:
    ports = app.application.process.composition.ports
    authenticator: Any = ports[AUTHENTICATOR]
    tokens: Any = ports[JOB_TOKENS]
    actor = await authenticator.bearer(_token_of(app.owner), Origin())
    job = (
        await app.owner.post(
            "/api/v1/jobs", json={"language": "python", "content": "def main():\n    pass\n"}
        )
    ).json()
    ended = tokens.issue_job_token(actor, job["id"], epoch=1)

    decisions = await _decisions(app, {"authorization": f"Bearer {ended}"})

    assert {decision.code for _, decision in decisions} == {"TOKEN_REVOKED"}, "it does not run"


async def _decisions(app: App, headers: dict[str, str]) -> list[tuple[Route, Decision]]:
    return [(route, await _decide(app, route, headers)) for route in ROUTES]


async def _decide(app: App, route: Route, headers: dict[str, str]) -> Decision:
    # A body that cannot be read: whoever is let in hears of it, and nothing happens.
    body = b"{" if route.method in {"POST", "PUT", "PATCH"} else b""
    return await decide(
        app.application.asgi, route.method, route.url, headers={**_JSON, **headers}, body=body
    )


def _mismatch(route: Route, decision: Decision, *, allowed: bool) -> Iterator[str]:
    refused = decision == Decision(status=403, code="PERMISSION_DENIED")
    entered = not refused and decision.status not in {401, 500}
    if entered is not allowed or (not allowed and not refused):
        wanted = "be let in" if allowed else "be refused"
        yield f"{route.method} {route.path} should {wanted}: {decision}"


async def _register(app: App, role: Role, email: str) -> str:
    invited = await app.owner.post("/api/v1/invitations", json={"role": role, "email": email})
    assert invited.status_code == 201, invited.text
    person = {"email": email, "name": f"The {role}", "password": _PASSWORD}
    body = {**person, "token": invited.json()["token"]}
    joined = await app.anonymous.post("/api/v1/auth/registrations", json=body)
    assert joined.status_code == 201, joined.text
    return str(joined.json()["access_token"])


def _token_of(client: Any) -> str:
    return str(client.headers["authorization"]).removeprefix("Bearer ")
