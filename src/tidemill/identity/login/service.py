"""Lets people in: log-in, renewal, change of tenant."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.core.config.sections.people import Auth
from tidemill.core.errors import TidemillError
from tidemill.core.figures import Counts
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.core.ports import Database, Tx
from tidemill.identity.attempts.models import Reserved, email_digest
from tidemill.identity.attempts.service import AttemptService
from tidemill.identity.credential_errors import (
    RefreshTokenInvalid,
    RefreshTokenReused,
    RefreshTokenUsed,
    SessionRevoked,
)
from tidemill.identity.errors import InvalidEmail, NoMembership, TenantUnknown, WrongCredentials
from tidemill.identity.grants.cache import GrantCache
from tidemill.identity.login.entries import AccessTokens, Subject, days_after, person
from tidemill.identity.login.models import Credentials, Device, Entry
from tidemill.identity.members.models import TenantMembership
from tidemill.identity.members.repository import MemberRepository
from tidemill.identity.opaque import Presented, SecretKind, mint, presented
from tidemill.identity.passwords.hasher import PasswordHasher
from tidemill.identity.sessions.models import RefreshToken, Session, SessionKind
from tidemill.identity.sessions.repository import SessionRepository
from tidemill.identity.users.models import User, email_address
from tidemill.identity.users.repository import UserRepository

refresh_grace_seconds: Final = 10
_tenants_max: Final = 1_000
_user_agent_length_max: Final = 300


class _Account(Struct, frozen=True, kw_only=True):
    """What stands behind an address, if anything, and the attempt that was counted for it."""

    reserved: Reserved
    user: User | None = None
    tenants: tuple[TenantMembership, ...] = ()


class _Renewal(StrEnum):
    DONE = "done"
    INVALID = "invalid"
    USED = "used"
    REUSED = "reused"


class LoginService:
    """Use cases of logging in."""

    def __init__(
        self,
        control: Database,
        grants: GrantCache,
        attempts: AttemptService,
        passwords: PasswordHasher,
        access_tokens: AccessTokens,
        auth: Auth,
    ) -> None:
        self.attempts = Counts()
        """Attempts to enter, by method and outcome."""
        self._control = control
        self._grants = grants
        self._attempts = attempts
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._auth = auth
        self._users = UserRepository()
        self._members = MemberRepository()
        self._sessions = SessionRepository()

    async def log_in(self, credentials: Credentials, device: Device, origin: Origin) -> Entry:
        """Open a session; raises `WrongCredentials`, `LoginPaused`, `NoMembership`.

        An unknown address, a wrong password and a closed account look and last the same.
        """
        try:
            entry = await self._log_in(credentials, device, origin)
        except TidemillError as error:
            self.attempts.add("password", error.code.lower())
            raise
        self.attempts.add("password", "succeeded")
        return entry

    async def _log_in(self, credentials: Credentials, device: Device, origin: Origin) -> Entry:
        account = await self._account(credentials.email, origin)
        self._attempts.check(account.reserved)
        user = account.user
        known = user.password_hash if user is not None else None
        right = await self._passwords.verify(known, credentials.password)
        if user is None or not right or user.disabled_at is not None:
            await self._refuse(credentials.email, user, origin)
            await self._attempts.tarpit(account.reserved)
            raise WrongCredentials
        tenant = _tenant_of(account.tenants, credentials.tenant_id)
        rehashed = await self._rehashed(user, credentials.password)

        def use_case(tx: Tx) -> Entry:
            # Locked, or an account that closes at this moment would get a session that nobody ends.
            current = self._users.find(tx, user.id, lock=True)
            if current is None or current.security_version != user.security_version:
                raise WrongCredentials
            if rehashed is not None and user.password_hash is not None:
                self._users.rehash(tx, user.id, old_hash=user.password_hash, new_hash=rehashed)
            self._attempts.succeeded(tx, account.reserved, user.id, origin)
            return self.open(tx, current, Role(tenant.role), device, origin)

        return await self._control.write(tenant.tenant_id, use_case)

    def open(self, tx: Tx, user: User, role: Role, device: Device, origin: Origin) -> Entry:
        """Open a session in the transaction's tenant, for a person who has shown who it is."""
        cookie = mint(SecretKind.SESSION) if device.kind is SessionKind.BROWSER else None
        days = self._auth.session_days if cookie else self._auth.refresh_token_days
        session = Session(
            tx.new_id(),
            user.id,
            tx.tenant_id,
            device.kind,
            origin.address,
            _short(device.user_agent),
            tx.now,
            tx.now,
            days_after(tx.now, days),
        )
        self._sessions.add(tx, session, cookie.secret_hash if cookie else None)
        self._users.logged_in(tx, user.id)
        tx.audit(
            "identity.sessions.open",
            by=person(user.id, tx.tenant_id, role, session.id, origin),
            resource=f"session:{session.id}",
            after={"kind": device.kind, "user_agent": session.user_agent},
        )
        refresh = None if cookie else self._add_refresh(tx, session.id, 1)
        return self._entry(
            user, session, role, refresh=refresh, cookie=cookie.text if cookie else None
        )

    async def refresh(self, token: str, origin: Origin) -> Entry:
        """Renew a session, once for each refresh token.

        Raises `RefreshTokenInvalid`, `RefreshTokenUsed`, and `RefreshTokenReused`, which also
        ends the session: somebody else holds a copy.
        """
        try:
            entry = await self._refresh(token, origin)
        except TidemillError as error:
            self.attempts.add("refresh", error.code.lower())
            raise
        self.attempts.add("refresh", "succeeded")
        return entry

    async def _refresh(self, token: str, origin: Origin) -> Entry:
        shown = presented(SecretKind.REFRESH_TOKEN, token)
        if shown is None:
            raise RefreshTokenInvalid
        found = await self._control.read(
            INSTALLATION, lambda tx: self._sessions.find_refresh(tx, shown.prefix)
        )
        if found is None or not shown.matches(found.secret_hash):
            raise RefreshTokenInvalid
        outcome, entry = await self._control.write(
            found.tenant_id, lambda tx: self._renew(tx, shown, origin)
        )
        if outcome is _Renewal.REUSED:
            raise RefreshTokenReused
        if outcome is _Renewal.USED:
            raise RefreshTokenUsed
        if entry is None:
            raise RefreshTokenInvalid
        return entry

    async def switch(self, tenant_id: TenantId, *, actor: Actor) -> Entry:
        """Let the actor's session work in another of its tenants; raises `TenantUnknown`."""
        user_id, session_id = actor.user_id, actor.session_id
        if user_id is None or session_id is None:
            raise TenantUnknown

        def use_case(tx: Tx) -> Entry:
            membership = self._members.find(tx, user_id)
            user = self._users.find(tx, user_id)
            if membership is None or user is None:
                raise TenantUnknown
            if not self._sessions.switch(tx, session_id, user_id, tenant_id):
                raise TenantUnknown
            session = self._sessions.find(tx, session_id, user_id)
            if session is None:
                raise TenantUnknown
            role = membership.as_role
            tx.audit(
                "identity.sessions.switch",
                by=person(user_id, tenant_id, role, session_id, actor.origin),
                resource=f"session:{session_id}",
                before={"tenant_id": actor.tenant_id},
                after={"tenant_id": tenant_id},
            )
            self._grants.end_session(tx, session_id)
            return self._entry(user, session, role)

        return await self._control.write(tenant_id, use_case)

    def reissue(self, tx: Tx, user_id: UserId, session_id: str) -> Entry:
        """Give a session that goes on a new access token, or a new cookie to a browser.

        Raises `SessionRevoked`.
        """
        user = self._users.find(tx, user_id)
        session = self._sessions.find(tx, session_id, user_id)
        membership = self._members.find(tx, user_id)
        if user is None or membership is None or session is None or session.revoked_at is not None:
            raise SessionRevoked
        cookie: str | None = None
        if session.kind == SessionKind.BROWSER:
            minted = mint(SecretKind.SESSION)
            self._sessions.rotate(tx, session_id, user_id, minted.secret_hash)
            cookie = minted.text
        self._grants.end_session(tx, session_id)
        return self._entry(user, session, membership.as_role, cookie=cookie)

    async def _account(self, email: str, origin: Origin) -> _Account:
        key = _email_key(email)

        def use_case(tx: Tx) -> _Account:
            user = self._users.find_by_email(tx, key)
            reserved = self._attempts.reserve(tx, key, user.id if user else None, origin)
            user_id = user.id if user else UserId("")
            tenants = self._members.of_user(tx, user_id, limit=_tenants_max)
            return _Account(reserved=reserved, user=user, tenants=tuple(tenants))

        return await self._control.write(INSTALLATION, use_case)

    async def _refuse(self, email: str, user: User | None, origin: Origin) -> None:
        digest = email_digest(_email_key(email))
        who = Actor(
            kind=ActorKind.USER,
            id=user.id if user else "unknown",
            tenant_id=INSTALLATION,
            user_id=user.id if user else None,
            origin=origin,
        )
        await self._control.write(
            INSTALLATION,
            lambda tx: tx.audit("identity.logins.refuse", by=who, resource=f"account:{digest}"),
        )

    async def _rehashed(self, user: User, password: str) -> str | None:
        if user.password_hash is None or not self._passwords.needs_rehash(user.password_hash):
            return None
        return await self._passwords.hash(password)

    def _renew(self, tx: Tx, shown: Presented, origin: Origin) -> tuple[_Renewal, Entry | None]:
        token = self._sessions.find_refresh(tx, shown.prefix)
        if token is None or token.session_revoked_at is not None:
            return _Renewal.INVALID, None
        if not self._sessions.use_refresh(tx, token.id):
            current = self._sessions.find_refresh(tx, shown.prefix)
            return self._refused_renewal(tx, current or token, origin), None
        user = self._users.find(tx, token.user_id)
        membership = self._members.find(tx, token.user_id)
        if user is None or user.disabled_at is not None or membership is None:
            return _Renewal.INVALID, None
        expires_at = days_after(tx.now, self._auth.refresh_token_days)
        self._sessions.renew(tx, token.session_id, expires_at)
        self._grants.end_session(tx, token.session_id)
        session = self._sessions.find(tx, token.session_id, token.user_id)
        if session is None:
            return _Renewal.INVALID, None
        refresh = self._add_refresh(tx, session.id, token.generation + 1)
        return _Renewal.DONE, self._entry(user, session, membership.as_role, refresh=refresh)

    def _refused_renewal(self, tx: Tx, token: RefreshToken, origin: Origin) -> _Renewal:
        if token.used_at is None:
            return _Renewal.INVALID
        if tx.now - token.used_at <= refresh_grace_seconds * MICROSECONDS_PER_SECOND:
            return _Renewal.USED
        self._sessions.revoke(tx, token.session_id, token.user_id, reason="refresh token reused")
        self._grants.end_session(tx, token.session_id)
        tx.audit(
            "identity.refresh_tokens.reuse",
            by=person(token.user_id, tx.tenant_id, Role.VIEWER, token.session_id, origin),
            resource=f"session:{token.session_id}",
            detail=f"generation {token.generation} came back; the session was ended",
        )
        return _Renewal.REUSED

    def _add_refresh(self, tx: Tx, session_id: str, generation: int) -> str:
        minted = mint(SecretKind.REFRESH_TOKEN)
        self._sessions.add_refresh(
            tx,
            session_id,
            id_=minted.prefix,
            secret_hash=minted.secret_hash,
            generation=generation,
            expires_at=days_after(tx.now, self._auth.refresh_token_days),
        )
        return minted.text

    def _entry(
        self,
        user: User,
        session: Session,
        role: Role,
        *,
        refresh: str | None = None,
        cookie: str | None = None,
    ) -> Entry:
        subject = Subject(
            user_id=user.id,
            tenant_id=session.tenant_id,
            session_id=session.id,
            security_version=user.security_version,
        )
        return Entry(
            user_id=user.id,
            tenant_id=session.tenant_id,
            session_id=session.id,
            role=role,
            expires_at=session.expires_at,
            access_token="" if cookie else self._access_tokens.issue(subject),
            access_seconds=self._access_tokens.seconds,
            refresh_token=refresh,
            cookie=cookie,
        )


def _tenant_of(tenants: tuple[TenantMembership, ...], wanted: TenantId | None) -> TenantMembership:
    if wanted is not None:
        named = [tenant for tenant in tenants if tenant.tenant_id == wanted]
        if not named:
            raise TenantUnknown
        return named[0]
    ready = [tenant for tenant in tenants if tenant.state in {"active", "migrating"}]
    if not ready:
        raise NoMembership
    return min(ready, key=lambda tenant: (tenant.joined_at, tenant.tenant_id))


def _email_key(email: str) -> str:
    try:
        return email_address(email).key
    except InvalidEmail:
        # No account has such a key; the attempt is counted all the same.
        return f"invalid:{email[:300]}"


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    printable = "".join(char if char.isprintable() else " " for char in text)
    return printable[:_user_agent_length_max]
