"""What one can do with one's sessions."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock, seconds_after
from tidemill.core.ids import INSTALLATION, UserId
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.identity.errors import SessionNotFound
from tidemill.identity.grants.cache import GrantCache
from tidemill.identity.sessions.models import Session
from tidemill.identity.sessions.repository import SessionRepository

_kept_seconds: Final = 7 * 86_400


class SessionService:
    """Use cases of sessions."""

    def __init__(self, control: Database, grants: GrantCache, clock: Clock) -> None:
        self._control = control
        self._grants = grants
        self._clock = clock
        self._sessions = SessionRepository()

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Session]:
        """Return the actor's sessions, the oldest first."""
        after = after_text(page) or ""
        user_id = actor.user_id or UserId("")

        def use_case(tx: Tx) -> list[Session]:
            return self._sessions.page(tx, user_id, after=after, limit=page.limit_plus_one)

        found = await self._control.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda session: (session.id,))

    async def end(self, session_id: str, *, actor: Actor) -> None:
        """End a session of the actor, in every process within 2 s."""
        await self._end(session_id, "ended", actor=actor)

    async def log_out(self, *, actor: Actor) -> None:
        """End the session that the actor came by."""
        if actor.session_id is not None:
            await self._end(actor.session_id, "logged out", actor=actor)

    async def end_others(self, *, actor: Actor) -> int:
        """End every session of the actor but the one that it came by; return how many."""
        user_id = actor.user_id or UserId("")

        def use_case(tx: Tx) -> int:
            ended = self._sessions.revoke_others(
                tx, user_id, keep=actor.session_id or "", reason="ended"
            )
            for session_id in ended:
                self._grants.end_session(tx, session_id)
            if ended:
                tx.audit(
                    "identity.sessions.end_others",
                    by=actor,
                    resource=f"user:{user_id}",
                    detail=f"{len(ended)} sessions",
                )
            return len(ended)

        return await self._control.write(actor.tenant_id, use_case)

    async def prune(self) -> None:
        """Delete what expired a week ago."""
        before = seconds_after(self._clock.now(), -_kept_seconds)
        await self._control.write(INSTALLATION, lambda tx: self._sessions.prune(tx, before))

    async def _end(self, session_id: str, reason: str, *, actor: Actor) -> None:
        user_id = actor.user_id or UserId("")

        def use_case(tx: Tx) -> None:
            if not self._sessions.revoke(tx, session_id, user_id, reason=reason):
                if self._sessions.find(tx, session_id, user_id) is None:
                    raise SessionNotFound
                return
            tx.audit(
                "identity.sessions.end",
                by=actor,
                resource=f"session:{session_id}",
                detail=reason,
            )
            self._grants.end_session(tx, session_id)

        await self._control.write(actor.tenant_id, use_case)
