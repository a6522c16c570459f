"""Who is calling: the port that identity fills, and the guard in front of every route."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, Protocol, cast

from litestar.connection import ASGIConnection
from litestar.datastructures import Headers
from litestar.handlers import BaseRouteHandler
from msgspec import Struct, field, structs

from tidemill.core.actor import Actor, ActorKind, Origin, system
from tidemill.core.addresses import network_of
from tidemill.core.authorization import Permission, PermissionDenied, authorize
from tidemill.core.errors import Forbidden, Unauthenticated
from tidemill.core.figures import Counts
from tidemill.core.ids import INSTALLATION, tenant_id
from tidemill.core.log_context import trace_fields
from tidemill.core.module import Port
from tidemill.core.ports import RateLimiter, RateLimitState
from tidemill.http.limits import TooManyRequests

session_cookie_name: Final = "tm_session"
secure_session_cookie_name: Final = "__Host-tm_session"
local_tenant_header: Final = "x-tidemill-tenant"
csrf_header: Final = "x-csrf-token"
api_key_header: Final = "x-api-key"
_MODELS: Final = "/v1/"
"""Begin of the paths where clients of Anthropic show their token in a header of their own."""
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
PERMISSION: Final = "permission"
GUESTS: Final = "guests"
FOR_GUESTS: Final[Mapping[str, object]] = {GUESTS: True}
"""The `opt` of a route that guests may use, too; all others are closed to them."""

CHANGED_USER: Final = "user"
CHANGED_SESSION: Final = "session"
CHANGED_MEMBERSHIP: Final = "membership"
CHANGED_API_TOKEN: Final = "api_token"  # noqa: S105 - a kind of change, not a secret
CHANGED_GUEST_LINK: Final = "guest_link"
REVOKING_CHANGES: Final = (
    CHANGED_USER,
    CHANGED_SESSION,
    CHANGED_MEMBERSHIP,
    CHANGED_API_TOKEN,
    CHANGED_GUEST_LINK,
)
"""Kinds of change after which open sockets and streams ask `Authenticator.still_valid`."""


class SessionActor(Struct, frozen=True, kw_only=True):
    """The actor of a browser session, and the token its unsafe requests must repeat."""

    actor: Actor
    csrf_token: str


class Authenticator(Protocol):
    """Turns a credential into an actor, or raises `Unauthenticated` with a distinct code."""

    async def bearer(self, token: str, origin: Origin) -> Actor:
        """Return the actor of an access token (JWT), an API token, a job's token, a guest's."""
        ...

    async def session(self, cookie: str, origin: Origin) -> SessionActor:
        """Return the actor of a session cookie."""
        ...

    async def still_valid(self, actor: Actor) -> bool:
        """Return whether the credential of `actor` holds, with the same role and scopes.

        For open sockets and streams, which ask again after an invalidation.
        """
        ...


AUTHENTICATOR: Port[Authenticator] = Port("authenticator")

StillValid = Callable[[Actor], Awaitable[bool]]
"""Says whether the credential of an actor, who opened a stream with it, still holds."""


def still_valid_by(authenticator: Callable[[], Authenticator | None]) -> StillValid:
    """Return what open streams ask; without an authenticator nothing is valid."""

    async def still_valid(actor: Actor) -> bool:
        found = authenticator()
        return found is not None and await found.still_valid(actor)

    return still_valid


class CredentialsMissing(Unauthenticated):
    """The route needs a credential and none came."""

    code = "CREDENTIALS_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "Send an access token or an API token as 'Authorization: Bearer …', or log in.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class CredentialsMalformed(Unauthenticated):
    """The Authorization header is not of the form `Bearer TOKEN`."""

    code = "CREDENTIALS_MALFORMED"

    def __init__(self) -> None:
        super().__init__(
            "The Authorization header must read 'Bearer TOKEN'.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class CsrfTokenMissing(Forbidden):
    """A request by session cookie would change something and lacks its CSRF token."""

    code = "CSRF_TOKEN_MISSING"

    def __init__(self) -> None:
        super().__init__(f"Repeat the session's CSRF token in the header {csrf_header}.")


class OriginNotAllowed(Forbidden):
    """A request by session cookie comes from another site."""

    code = "ORIGIN_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__("A session cookie is accepted from Tidemill's own pages only.")


class RequestContext(Struct, kw_only=True):
    """What the outermost middleware knows of a request; lies in its scope.

    `local` says that it came over the socket in the data directory, which nobody but the
    directory's owner can reach.
    """

    request_id: str
    address: str
    local: bool = False
    traceparent: str | None = None
    actor: Actor | None = None
    rate: RateLimitState | None = None

    @property
    def origin(self) -> Origin:
        """Return what the audit log keeps of this request."""
        return Origin(
            request_id=self.request_id, address=self.address, traceparent=self.traceparent
        )

    def log_fields(self) -> dict[str, str]:
        """Return what log lines of this request say of it and its caller."""
        fields = {"request_id": self.request_id}
        if self.traceparent is not None:
            fields |= trace_fields(self.traceparent)
        actor = self.actor
        if actor is not None:
            fields["tenant_id"] = actor.tenant_id
            fields["actor"] = f"{actor.kind.value}:{actor.id}"
        return fields


CONTEXT: Final = "tidemill.context"
SERVICES: Final = "tidemill.kit"


def _unlimited() -> int:
    return 0


class Kit(Struct, frozen=True, kw_only=True):
    """What the guard needs; the app factory puts it into the application's state.

    The limits are asked at each request, since they may change; 0 means no limit. `secure`
    says that browsers reach us by TLS: then only the `__Host-` cookie counts.
    """

    authenticator: Authenticator
    rate_limiter: RateLimiter
    requests_per_minute: Callable[[], int]
    tenant_requests_per_minute: Callable[[], int] = _unlimited
    allowed_origins: frozenset[str]
    secure: bool = False
    refused: Counts = field(default_factory=Counts)
    """Errors that were answered, by code."""


def context_of(scope: Mapping[str, Any]) -> RequestContext:
    """Return the request's context."""
    return cast("RequestContext", scope[CONTEXT])


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Authenticate and authorize; a route without a permission is closed."""
    permission = handler.opt.get(PERMISSION)
    if not isinstance(permission, Permission):
        raise CredentialsMissing
    kit = cast("Kit", connection.app.state[SERVICES])
    context = context_of(connection.scope)
    try:
        actor = await authenticate(connection, kit)
    except Unauthenticated:
        # Whoever guesses is bounded as whoever shows nothing.
        await _take_address(kit, context)
        raise
    context.actor = actor
    authorize(actor, permission)
    if actor.kind is ActorKind.GUEST and not handler.opt.get(GUESTS):
        raise PermissionDenied(permission, "guests only read their project")
    if own := kit.requests_per_minute():
        await _take(kit, context, f"actor:{actor.tenant_id}:{actor.id}", own)
    # Whoever is given a link must not use up what the members share.
    if actor.kind is not ActorKind.GUEST and (shared := kit.tenant_requests_per_minute()):
        await _take(kit, context, f"tenant:{actor.tenant_id}", shared)


async def public_guard(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Bound how often one address asks where no credential is needed."""
    del handler
    kit = cast("Kit", connection.app.state[SERVICES])
    await _take_address(kit, context_of(connection.scope))


async def authenticate(connection: ASGIConnection[Any, Any, Any, Any], kit: Kit) -> Actor:
    """Return the actor behind a connection, by bearer token or by session cookie."""
    context = context_of(connection.scope)
    origin = context.origin
    header = connection.headers.get("authorization")
    if header is None and connection.scope["path"].startswith(_MODELS):
        key = connection.headers.get(api_key_header)
        header = None if key is None else f"Bearer {key}"
    if header is None and context.local:
        return _local_actor(connection.headers, origin)
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token or " " in token:
            raise CredentialsMalformed
        return await kit.authenticator.bearer(token, origin)
    cookie = session_cookie_of(connection)
    if cookie is None:
        raise CredentialsMissing
    session = await kit.authenticator.session(cookie, origin)
    if connection.scope.get("method", "GET") not in _SAFE_METHODS:
        check_origin(connection.headers, kit)
        if not _is_same(connection.headers.get(csrf_header), session.csrf_token):
            raise CsrfTokenMissing
    return session.actor


def _local_actor(headers: Headers, origin: Origin) -> Actor:
    tenant = tenant_id(headers.get(local_tenant_header, INSTALLATION))
    return structs.replace(system("local", tenant), origin=origin)


def check_origin(headers: Headers, kit: Kit) -> None:
    """Refuse a browser's request that another site made. Raises `OriginNotAllowed`."""
    origin = headers.get("origin")
    if origin is None or origin in kit.allowed_origins:
        return
    if origin.partition("://")[2] != headers.get("host"):
        raise OriginNotAllowed


def session_cookie_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """Return the session cookie's value.

    Where browsers reach us by TLS only the `__Host-` name counts, which no other site of the
    same domain can set.
    """
    jar = SimpleCookie()
    try:
        jar.load(connection.headers.get("cookie", ""))
    except CookieError:
        return None
    kit = cast("Kit", connection.app.state[SERVICES])
    name = secure_session_cookie_name if kit.secure else session_cookie_name
    return jar[name].value if name in jar else None


def _is_same(given: str | None, expected: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())


async def _take_address(kit: Kit, context: RequestContext) -> None:
    if limit := kit.requests_per_minute():
        await _take(kit, context, f"address:{network_of(context.address)}", limit)


async def _take(kit: Kit, context: RequestContext, bucket: str, per_minute: int) -> None:
    state = await kit.rate_limiter.take(bucket, per_minute=per_minute, burst=per_minute)
    if context.rate is None or state.remaining < context.rate.remaining:
        context.rate = state  # The nearest limit is the one to tell.
    if not state.allowed:
        raise TooManyRequests(state.retry_after_seconds)
