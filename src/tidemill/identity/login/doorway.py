"""What stands before the routes that need no credential."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import urlsplit

from litestar.connection import Request
from litestar.datastructures import Cookie

from tidemill.core.actor import Origin
from tidemill.core.addresses import network_of
from tidemill.core.clock import Clock
from tidemill.core.ports import RateLimiter
from tidemill.http.authentication import SERVICES, Kit, check_origin, context_of
from tidemill.http.limits import TooManyRequests
from tidemill.identity.login.cookies import no_session_cookie, session_cookie
from tidemill.identity.login.models import Device, Entry
from tidemill.identity.sessions.models import SessionKind


class Doorway:
    """Bounds how often one address may knock; 0 per minute means no bound.

    `url` is where people and command lines reach the door.
    """

    def __init__(
        self,
        rate_limiter: RateLimiter,
        clock: Clock,
        *,
        per_minute: Callable[[], int],
        url: str,
    ) -> None:
        self._rate_limiter = rate_limiter
        self._clock = clock
        self._per_minute = per_minute
        self.url: Final = url
        self._secure = urlsplit(url).scheme == "https"

    async def admit(self, request: Request[Any, Any, Any]) -> Origin:
        """Return where the request comes from; raises `TooManyRequests`."""
        origin = context_of(request.scope).origin
        per_minute = self._per_minute()
        if per_minute > 0:
            state = await self._rate_limiter.take(
                f"login:{network_of(origin.address)}",
                per_minute=per_minute,
                burst=per_minute,
            )
            if not state.allowed:
                raise TooManyRequests(state.retry_after_seconds)
        return origin

    async def admit_browser(self, request: Request[Any, Any, Any]) -> Origin:
        """Like `admit`, and refuse what another site's page sends; raises `OriginNotAllowed`."""
        check_origin(request.headers, cast("Kit", request.app.state[SERVICES]))
        return await self.admit(request)

    def cookie(self, entry: Entry) -> Cookie:
        """Return the cookie of a browser's session."""
        return session_cookie(
            entry.cookie or "",
            secure=self._secure,
            expires_at=entry.expires_at,
            now=self._clock.now(),
        )

    def no_cookie(self) -> Cookie:
        """Return the cookie that makes a browser forget its session."""
        return no_session_cookie(secure=self._secure)


def device_of(request: Request[Any, Any, Any], kind: SessionKind) -> Device:
    """Return the device that sent the request."""
    return Device(kind=kind, user_agent=request.headers.get("user-agent"))
