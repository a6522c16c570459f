"""What logging in takes and gives."""

from __future__ import annotations

from msgspec import Struct

from tidemill.core.actor import Role
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.identity.sessions.models import SessionKind


class Credentials(Struct, frozen=True, kw_only=True):
    """What a person types; without a tenant, the one that was joined first is entered."""

    email: str
    password: str
    tenant_id: TenantId | None = None


class Device(Struct, frozen=True, kw_only=True):
    """Where a session lives."""

    kind: SessionKind
    user_agent: str | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """A session that was opened or renewed, with what its device must keep."""

    user_id: UserId
    tenant_id: TenantId
    session_id: str
    role: Role
    expires_at: Instant
    access_token: str = ""
    access_seconds: int = 0
    refresh_token: str | None = None
    cookie: str | None = None
