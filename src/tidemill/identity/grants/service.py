"""Looks up what credentials are worth: in the cache while it is fresh, else in the store."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, Instant
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.core.ports import Database
from tidemill.identity.grants.cache import Bounded, GrantCache
from tidemill.identity.grants.models import ApiTokenState, SessionState, Standing
from tidemill.identity.grants.repository import GrantRepository

log = structlog.get_logger(__name__)

_touch_interval: Final = 60 * MICROSECONDS_PER_SECOND
_touches_max: Final = 10_000
_flush_seconds: Final = 10.0


class GrantService:
    """What stands behind sessions, API tokens and jobs. A `Service`: it writes last uses."""

    def __init__(self, control: Database, cache: GrantCache, clock: Clock) -> None:
        self._control = control
        self._cache = cache
        self._clock = clock
        self._grants = GrantRepository()
        self._cookies: Bounded[str, str] = Bounded()
        self._seen: Bounded[str, Instant] = Bounded()
        self._tokens: dict[str, int] = {}
        self._sessions: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def standing(
        self, tenant_id: TenantId, user_id: UserId, session_id: str | None = None
    ) -> Standing:
        """Return the person's account, role and session; raises `CredentialsUnverifiable`."""
        if self._cache.trusted():
            user = self._cache.users.get(user_id)
            role = self._cache.roles.get((tenant_id, user_id))
            session = self._cache.sessions.get(session_id) if session_id else None
            if user and role and (session or not session_id):
                return Standing(user=user, role=role, session=session)
        epoch = self._cache.epoch
        found = await self._control.read(
            tenant_id, lambda tx: self._grants.standing(tx, user_id, session_id)
        )
        if epoch == self._cache.epoch and found.user is not None:
            self._cache.users.put(user_id, found.user)
            if found.role is not None:
                self._cache.roles.put((tenant_id, user_id), found.role)
            if found.session is not None:
                self._cache.sessions.put(found.session.id, found.session)
        return found

    async def session_of(self, secret_hash: str, *, fresh: bool = False) -> SessionState | None:
        """Return the session of a cookie; `fresh` looks at the store in any case."""
        if self._cache.trusted() and not fresh:
            known = self._cookies.get(secret_hash)
            session = self._cache.sessions.get(known) if known else None
            if session is not None and session.secret_hash == secret_hash:
                return session
        epoch = self._cache.epoch
        found = await self._control.read(
            INSTALLATION, lambda tx: self._grants.session(tx, secret_hash)
        )
        if found is not None and epoch == self._cache.epoch:
            self._cookies.put(secret_hash, found.id)
            self._cache.sessions.put(found.id, found)
        return found

    async def api_token(self, prefix: str) -> ApiTokenState | None:
        """Return the API token that a presented one may be."""
        if self._cache.trusted():
            known = self._cache.api_tokens.get(prefix)
            if known is not None:
                return known
        epoch = self._cache.epoch
        found = await self._control.read(
            INSTALLATION, lambda tx: self._grants.token_by_prefix(tx, prefix)
        )
        if found is not None and epoch == self._cache.epoch:
            self._cache.api_tokens.put(prefix, found)
        return found

    async def api_token_by_id(self, tenant_id: TenantId, token_id: str) -> ApiTokenState | None:
        """Return an API token of the tenant, from the store."""
        self._cache.trusted()
        return await self._control.read(
            tenant_id, lambda tx: self._grants.token_by_id(tx, token_id)
        )

    def last_seen(self, session: SessionState) -> Instant:
        """Return when the session was used last, as far as this process knows."""
        return max(session.last_seen_at, self._seen.get(session.id) or Instant(0))

    def saw_session(self, session_id: str) -> None:
        """Remember that the session is in use; written at most once a minute."""
        if self._due(session_id) and len(self._sessions) < _touches_max:
            self._sessions[session_id] = self._clock.now()

    def saw_token(self, token_id: str) -> None:
        """Remember that the API token is in use; written at most once a minute."""
        if self._due(token_id) and len(self._tokens) < _touches_max:
            self._tokens[token_id] = self._clock.now()

    def _due(self, key: str) -> bool:
        now = self._clock.now()
        before = self._seen.get(key)
        if before is not None and now - before < _touch_interval:
            return False
        self._seen.put(key, now)
        return True

    async def flush(self) -> None:
        """Write the last uses that were gathered."""
        tokens, self._tokens = self._tokens, {}
        sessions, self._sessions = self._sessions, {}
        if tokens or sessions:
            await self._control.write(
                INSTALLATION,
                lambda tx: self._grants.touch(tx, tokens=tokens, sessions=sessions),
            )

    async def start(self) -> None:
        """Begin to write last uses every few seconds."""
        self._task = asyncio.create_task(self._flush_for_ever(), name="identity.last_uses")

    async def stop(self) -> None:
        """Write what is left, and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        with suppress(TidemillError):
            await self.flush()

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_flush_seconds)
            try:
                await self.flush()
            except TidemillError as error:
                log.warning("identity.last_uses.not_written", reason=error.code)
