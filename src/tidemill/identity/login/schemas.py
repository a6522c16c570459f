"""How logging in looks on the wire."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.core.clock import rfc3339
from tidemill.http import Body, View
from tidemill.identity.login.models import Entry

EmailText = Annotated[str, Meta(min_length=3, max_length=320, examples=["ada@example.org"])]
PasswordText = Annotated[str, Meta(min_length=1, max_length=1024)]
TokenText = Annotated[str, Meta(min_length=1, max_length=200)]
TenantIdText = Annotated[str, Meta(min_length=1, max_length=64)]


class LogIn(Body, frozen=True, kw_only=True):
    """Address and password; without a tenant, the one that was joined first is entered."""

    email: EmailText
    password: PasswordText
    tenant_id: TenantIdText | UnsetType | None = UNSET


class Refresh(Body, frozen=True, kw_only=True):
    """The refresh token of the last answer; it holds once."""

    refresh_token: TokenText


class SwitchTenant(Body, frozen=True, kw_only=True):
    """The tenant that the session shall work in."""

    tenant_id: TenantIdText


class TokenView(View, frozen=True, kw_only=True):
    """What a client keeps; the access token goes into `Authorization: Bearer …`."""

    access_token: str
    refresh_token: str | None
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int
    user_id: str
    tenant_id: str
    role: str
    session_id: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return the view of `entry`."""
        return cls(
            access_token=entry.access_token,
            refresh_token=entry.refresh_token,
            expires_in=entry.access_seconds,
            user_id=entry.user_id,
            tenant_id=entry.tenant_id,
            role=entry.role,
            session_id=entry.session_id,
        )


class BrowserSessionView(View, frozen=True, kw_only=True):
    """A session whose secret lies in the cookie; unsafe requests repeat `csrf_token`."""

    csrf_token: str
    expires_at: str
    user_id: str
    tenant_id: str
    role: str
    session_id: str

    @classmethod
    def of(cls, entry: Entry, csrf_token: str) -> Self:
        """Return the view of `entry`."""
        return cls(
            csrf_token=csrf_token,
            expires_at=rfc3339(entry.expires_at),
            user_id=entry.user_id,
            tenant_id=entry.tenant_id,
            role=entry.role,
            session_id=entry.session_id,
        )
