"""HTTP of logging in."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response
from litestar.connection import Request
from msgspec import UNSET

from tidemill.core.actor import Actor
from tidemill.core.ids import tenant_id
from tidemill.http import Public, get, post, put
from tidemill.http.authentication import session_cookie_of
from tidemill.identity.keys.service import SigningKeys
from tidemill.identity.login.doorway import Doorway, device_of
from tidemill.identity.login.entries import csrf_token
from tidemill.identity.login.models import Credentials, Entry
from tidemill.identity.login.schemas import (
    BrowserSessionView,
    LogIn,
    Refresh,
    SwitchTenant,
    TokenView,
)
from tidemill.identity.login.service import LoginService
from tidemill.identity.permissions import END_SESSIONS, SWITCH_TENANT
from tidemill.identity.sessions.models import SessionKind
from tidemill.identity.sessions.service import SessionService

_DOOR: Final = Public(reason="Whoever logs in has no credential yet; attempts are counted.")


@post("/auth/login", _DOOR, status_code=200)
async def log_in(
    data: LogIn, request: Request[Any, Any, Any], login: LoginService, doorway: Doorway
) -> TokenView:
    """Log in and get an access token and a refresh token."""
    origin = await doorway.admit(request)
    device = device_of(request, SessionKind.TOKENS)
    return TokenView.of(await login.log_in(_credentials(data), device, origin))


@post("/auth/sessions", _DOOR)
async def open_session(
    data: LogIn, request: Request[Any, Any, Any], login: LoginService, doorway: Doorway
) -> Response[BrowserSessionView]:
    """Log in with a browser: the session's secret is set as a cookie that no script can read."""
    origin = await doorway.admit_browser(request)
    device = device_of(request, SessionKind.BROWSER)
    entry = await login.log_in(_credentials(data), device, origin)
    return browser_answer(entry, doorway)


@post("/auth/refresh", _DOOR, status_code=200)
async def refresh(
    data: Refresh, request: Request[Any, Any, Any], login: LoginService, doorway: Doorway
) -> TokenView:
    """Get a new access token and the next refresh token; the one that was sent is used up."""
    origin = await doorway.admit(request)
    return TokenView.of(await login.refresh(data.refresh_token, origin))


@post("/auth/logout", END_SESSIONS, status_code=204)
async def log_out(actor: Actor, sessions: SessionService, doorway: Doorway) -> Response[None]:
    """End the session that this request came by, in every process within 2 s."""
    await sessions.log_out(actor=actor)
    return Response(None, status_code=204, cookies=[doorway.no_cookie()])


@put("/auth/tenant", SWITCH_TENANT)
async def switch_tenant(
    data: SwitchTenant, actor: Actor, login: LoginService, request: Request[Any, Any, Any]
) -> TokenView:
    """Let this session work in another tenant of yours.

    The answer's access token is for that tenant; a browser's session needs none, since its cookie
    stays.
    """
    entry = await login.switch(tenant_id(data.tenant_id), actor=actor)
    view = TokenView.of(entry)
    by_cookie = "authorization" not in request.headers and session_cookie_of(request)
    return without_token(view) if by_cookie else view


@get("/.well-known/jwks.json", Public(reason="Public keys are public."), opt={"root": True})
async def read_key_set(signing_keys: SigningKeys) -> dict[str, list[dict[str, str]]]:
    """Read the public keys of access tokens; with HS256 there are none."""
    return {"keys": signing_keys.public_keys()}


def without_token(view: TokenView) -> TokenView:
    """Return what a browser may know, whose scripts should hold no token."""
    return TokenView(
        access_token="",
        refresh_token=None,
        expires_in=view.expires_in,
        user_id=view.user_id,
        tenant_id=view.tenant_id,
        role=view.role,
        session_id=view.session_id,
    )


def browser_answer(
    entry: Entry, doorway: Doorway, status_code: int = 201
) -> Response[BrowserSessionView]:
    """Answer with the session's cookie and its CSRF token."""
    view = BrowserSessionView.of(entry, csrf_token(entry.cookie or ""))
    return Response(view, status_code=status_code, cookies=[doorway.cookie(entry)])


def _credentials(data: LogIn) -> Credentials:
    wanted = None if data.tenant_id is UNSET or data.tenant_id is None else data.tenant_id
    return Credentials(
        email=data.email,
        password=data.password,
        tenant_id=None if wanted is None else tenant_id(wanted),
    )


ROUTES: Final = (log_in, open_session, refresh, log_out, switch_tenant, read_key_set)
