"""Log-ins, one for each device, and their renewals."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId


class SessionKind(StrEnum):
    """How a device holds its session."""

    BROWSER = "browser"
    TOKENS = "tokens"


class Session(Struct, frozen=True):
    """A person's log-in on one device; `tenant_id` is the tenant that it works in."""

    id: str
    user_id: UserId
    tenant_id: TenantId
    kind: str
    address: str | None
    user_agent: str | None
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant
    revoked_at: Instant | None = None


class RefreshToken(Struct, frozen=True):
    """A renewal of a session; all of a session are one family."""

    id: str
    session_id: str
    secret_hash: str
    generation: int
    expires_at: Instant
    used_at: Instant | None
    user_id: UserId
    tenant_id: TenantId
    session_revoked_at: Instant | None
    session_expires_at: Instant
