"""Turns credentials into actors; every request passes here.

A role comes from the membership at this moment, never from the token, and whatever was revoked is
refused within 2 s in every process.
"""

from __future__ import annotations

from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock
from tidemill.core.ids import TenantId, UserId
from tidemill.http.authentication import SessionActor
from tidemill.identity.credential_errors import (
    MembershipEnded,
    SessionExpired,
    SessionInvalid,
    SessionRevoked,
    TokenClaimsInvalid,
    TokenExpired,
    TokenMalformed,
    TokenRevoked,
)
from tidemill.identity.grants.models import ApiTokenState, SessionState, Standing
from tidemill.identity.grants.service import GrantService
from tidemill.identity.guest_links.service import GuestLinkService
from tidemill.identity.keys.jwt import ACCESS, JOB, Claims
from tidemill.identity.keys.service import SigningKeys
from tidemill.identity.login.entries import csrf_token
from tidemill.identity.opaque import SecretKind, presented
from tidemill.identity.tokens.job_tokens import JobTokenService

_API_TOKEN_MARK = f"{SecretKind.API_TOKEN}_"
_GUEST_LINK_MARK = f"{SecretKind.GUEST_LINK}_"


class CredentialAuthenticator:
    """See `Authenticator`."""

    def __init__(
        self,
        grants: GrantService,
        keys: SigningKeys,
        jobs: JobTokenService,
        guests: GuestLinkService,
        clock: Clock,
        *,
        idle_seconds: float,
    ) -> None:
        self._grants = grants
        self._keys = keys
        self._jobs = jobs
        self._guests = guests
        self._clock = clock
        self._idle = int(idle_seconds * MICROSECONDS_PER_SECOND)

    async def bearer(self, token: str, origin: Origin) -> Actor:
        """See `Authenticator.bearer`."""
        if token.startswith(_API_TOKEN_MARK):
            return await self._by_api_token(token, origin)
        if token.startswith(_GUEST_LINK_MARK):
            return await self._guests.guest(token, origin)
        typ, claims = self._keys.verify(token)
        if typ == ACCESS:
            return await self._by_access_token(claims, origin)
        if typ == JOB:
            return await self._by_job_token(claims, origin)
        raise TokenClaimsInvalid

    async def session(self, cookie: str, origin: Origin) -> SessionActor:
        """See `Authenticator.session`."""
        shown = presented(SecretKind.SESSION, cookie)
        if shown is None:
            raise SessionInvalid
        session = await self._grants.session_of(shown.secret_hash)
        if session is not None and self._is_idle(session):
            # Another process may have seen it since.
            session = await self._grants.session_of(shown.secret_hash, fresh=True)
        if session is None:
            raise SessionInvalid
        self._check_session(session)
        if self._is_idle(session):
            raise SessionExpired
        standing = await self._grants.standing(session.tenant_id, session.user_id, session.id)
        role = _role(standing)
        self._grants.saw_session(session.id)
        actor = Actor(
            kind=ActorKind.USER,
            id=session.user_id,
            tenant_id=session.tenant_id,
            user_id=session.user_id,
            role=role,
            session_id=session.id,
            security_version=_version(standing),
            origin=origin,
        )
        return SessionActor(actor=actor, csrf_token=csrf_token(cookie))

    async def still_valid(self, actor: Actor) -> bool:
        """See `Authenticator.still_valid`."""
        if actor.kind is ActorKind.GUEST:
            return await self._guests.still_valid(actor)
        if actor.user_id is None or actor.kind is ActorKind.SYSTEM:
            return actor.kind is ActorKind.SYSTEM
        session_id = actor.session_id if actor.kind is ActorKind.USER else None
        standing = await self._grants.standing(actor.tenant_id, actor.user_id, session_id)
        if standing.user is None or standing.user.disabled or standing.role is not actor.role:
            return False
        match actor.kind:
            case ActorKind.API_TOKEN:
                token = await self._grants.api_token_by_id(actor.tenant_id, actor.id)
                return token is not None and self._holds(token)
            case ActorKind.JOB:
                return await self._jobs.holds(actor, standing)
            case _:
                session = standing.session
                return session_id is None or (
                    session is not None
                    and not session.revoked
                    and session.expires_at > self._clock.now()
                )

    async def _by_api_token(self, text: str, origin: Origin) -> Actor:
        shown = presented(SecretKind.API_TOKEN, text)
        if shown is None:
            raise TokenMalformed
        token = await self._grants.api_token(shown.prefix)
        if token is None or not shown.matches(token.secret_hash):
            raise TokenRevoked
        if token.expires_at <= self._clock.now():
            raise TokenExpired
        if token.revoked:
            raise TokenRevoked
        role = _role(await self._grants.standing(token.tenant_id, token.user_id))
        self._grants.saw_token(token.id)
        return Actor(
            kind=ActorKind.API_TOKEN,
            id=token.id,
            tenant_id=token.tenant_id,
            user_id=token.user_id,
            role=role,
            scopes=token.scopes,
            on_behalf_of=token.user_id,
            origin=origin,
        )

    async def _by_access_token(self, claims: Claims, origin: Origin) -> Actor:
        user_id, tenant_id = UserId(claims.sub), TenantId(claims.tenant_id)
        if not claims.sid:
            raise TokenClaimsInvalid
        standing = await self._grants.standing(tenant_id, user_id, claims.sid)
        if standing.user is None or standing.user.security_version != claims.ver:
            raise TokenRevoked
        if standing.session is None:
            raise SessionRevoked
        self._check_session(standing.session)
        role = _role(standing)
        self._grants.saw_session(claims.sid)
        return Actor(
            kind=ActorKind.USER,
            id=user_id,
            tenant_id=tenant_id,
            user_id=user_id,
            role=role,
            session_id=claims.sid,
            security_version=claims.ver,
            origin=origin,
        )

    async def _by_job_token(self, claims: Claims, origin: Origin) -> Actor:
        user_id, tenant_id = UserId(claims.sub), TenantId(claims.tenant_id)
        if not claims.job:
            raise TokenClaimsInvalid
        standing = await self._grants.standing(tenant_id, user_id)
        execution = await self._jobs.check(claims, standing)
        role = _role(standing)
        return Actor(
            kind=ActorKind.JOB,
            id=claims.job,
            tenant_id=tenant_id,
            user_id=user_id,
            role=role,
            scopes=None if claims.scopes is None else frozenset(claims.scopes),
            session_id=str(execution),
            on_behalf_of=user_id,
            security_version=claims.ver or None,
            origin=origin,
        )

    def _check_session(self, session: SessionState) -> None:
        if session.revoked:
            raise SessionRevoked
        if session.expires_at <= self._clock.now():
            raise SessionExpired

    def _is_idle(self, session: SessionState) -> bool:
        return self._clock.now() - self._grants.last_seen(session) > self._idle

    def _holds(self, token: ApiTokenState) -> bool:
        return not token.revoked and token.expires_at > self._clock.now()


def _role(standing: Standing) -> Role:
    """Return the role of a person whose account is open."""
    if standing.user is None or standing.user.disabled:
        raise TokenRevoked
    if standing.role is None:
        raise MembershipEnded
    return standing.role


def _version(standing: Standing) -> int | None:
    return None if standing.user is None else standing.user.security_version
