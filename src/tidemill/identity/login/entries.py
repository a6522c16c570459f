"""The texts that a device gets: access tokens, refresh tokens and cookies."""

from __future__ import annotations

import hashlib
import hmac

from msgspec import Struct
from uuid_utils import uuid7

from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, Instant
from tidemill.core.config.sections.people import Auth
from tidemill.core.ids import TenantId, UserId
from tidemill.identity.keys.jwt import ACCESS, Claims
from tidemill.identity.keys.service import SigningKeys


class Subject(Struct, frozen=True, kw_only=True):
    """Whom an access token is for."""

    user_id: UserId
    tenant_id: TenantId
    session_id: str
    security_version: int


class AccessTokens:
    """Issues access tokens."""

    def __init__(self, keys: SigningKeys, clock: Clock, auth: Auth) -> None:
        self._keys = keys
        self._clock = clock
        self._auth = auth
        self.seconds = auth.access_token_seconds

    def issue(self, subject: Subject) -> str:
        """Return an access token that begins now."""
        now = self._clock.now() // MICROSECONDS_PER_SECOND
        claims = Claims(
            sub=subject.user_id,
            tenant_id=subject.tenant_id,
            exp=now + self.seconds,
            iat=now,
            iss=self._auth.jwt_issuer,
            aud=self._auth.jwt_audience,
            jti=str(uuid7()),
            sid=subject.session_id,
            ver=subject.security_version,
        )
        return self._keys.sign(claims, ACCESS)


def csrf_token(cookie: str) -> str:
    """Return the token that unsafe requests of a cookie's session must repeat.

    It follows from the cookie, so it need not be kept, and tells nothing about it.
    """
    return hmac.new(cookie.encode(), b"tidemill csrf v1", hashlib.sha256).hexdigest()


def person(
    user_id: UserId, tenant_id: TenantId, role: Role, session_id: str, origin: Origin
) -> Actor:
    """Return a person who has just shown who it is."""
    return Actor(
        kind=ActorKind.USER,
        id=user_id,
        tenant_id=tenant_id,
        user_id=user_id,
        role=role,
        session_id=session_id,
        origin=origin,
    )


def days_after(now: Instant, days: int) -> Instant:
    """Return the instant that lies `days` after `now`."""
    return Instant(now + days * 86_400 * MICROSECONDS_PER_SECOND)
