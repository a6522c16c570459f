"""The session cookie: unreadable for scripts, and bound to this host where TLS permits it."""

from __future__ import annotations

from litestar.datastructures import Cookie

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.http.authentication import secure_session_cookie_name, session_cookie_name


def session_cookie(value: str, *, secure: bool, expires_at: Instant, now: Instant) -> Cookie:
    """Return the cookie that holds a session."""
    return _cookie(value, secure=secure, max_age=max(0, expires_at - now))


def no_session_cookie(*, secure: bool) -> Cookie:
    """Return the cookie that makes a browser forget its session."""
    return _cookie("", secure=secure, max_age=0)


def _cookie(value: str, *, secure: bool, max_age: int) -> Cookie:
    return Cookie(
        key=secure_session_cookie_name if secure else session_cookie_name,
        value=value,
        path="/",
        httponly=True,
        secure=secure,
        samesite="lax",
        max_age=max_age // MICROSECONDS_PER_SECOND,
    )
