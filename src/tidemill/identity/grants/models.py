"""What a credential is worth at this moment."""

from __future__ import annotations

from msgspec import Struct

from tidemill.core.actor import Role
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId


class UserState(Struct, frozen=True):
    """Whether a person's account is open, and which access tokens of it still count."""

    security_version: int
    disabled: bool


class SessionState(Struct, frozen=True):
    """A session as far as requests need it."""

    id: str
    user_id: UserId
    tenant_id: TenantId
    kind: str
    secret_hash: str | None
    last_seen_at: Instant
    expires_at: Instant
    revoked: bool


class ApiTokenState(Struct, frozen=True):
    """An API token as far as requests need it."""

    id: str
    tenant_id: TenantId
    user_id: UserId
    prefix: str
    secret_hash: str
    scopes: frozenset[str]
    expires_at: Instant
    revoked: bool


class Standing(Struct, frozen=True, kw_only=True):
    """Everything that one request's credential rests on; None where there is nothing."""

    user: UserState | None = None
    role: Role | None = None
    session: SessionState | None = None
