"""The SQL of sessions and refresh tokens."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Tx
from tidemill.identity.sessions.models import RefreshToken, Session

_SELECT: Final = """
    SELECT id, user_id, tenant_id, kind, address, user_agent, created_at, last_seen_at, expires_at,
        revoked_at
    FROM sessions
"""
_ONE: Final = _SELECT + "WHERE id = :id AND user_id = :user_id"
_PAGE: Final = _SELECT + (
    "WHERE user_id = :user_id AND id > :after AND revoked_at IS NULL AND expires_at > :now "
    "ORDER BY id LIMIT :limit"
)
_INSERT: Final = """
    INSERT INTO sessions (id, user_id, tenant_id, kind, secret_hash, address, user_agent,
        created_at, last_seen_at, expires_at)
    VALUES (:id, :user_id, :in_tenant, :kind, :secret_hash, :address, :user_agent,
        :now, :now, :expires_at)
"""
_REVOKE: Final = """
    UPDATE sessions SET revoked_at = :now, revoked_reason = :reason
    WHERE id = :id AND user_id = :user_id AND revoked_at IS NULL
"""
_REVOKE_OTHERS: Final = """
    UPDATE sessions SET revoked_at = :now, revoked_reason = :reason
    WHERE user_id = :user_id AND id <> :keep AND revoked_at IS NULL
    RETURNING id
"""
_ROTATE: Final = """
    UPDATE sessions SET secret_hash = :secret_hash
    WHERE id = :id AND user_id = :user_id AND kind = 'browser' AND revoked_at IS NULL
"""
_SWITCH: Final = """
    UPDATE sessions SET tenant_id = :in_tenant
    WHERE id = :id AND user_id = :user_id AND revoked_at IS NULL
"""
_RENEW: Final = """
    UPDATE sessions SET last_seen_at = :now, expires_at = :expires_at WHERE id = :id
"""
_INSERT_REFRESH: Final = """
    INSERT INTO refresh_tokens (id, session_id, secret_hash, generation, created_at, expires_at)
    VALUES (:id, :session_id, :secret_hash, :generation, :now, :expires_at)
"""
_REFRESH: Final = """
    SELECT r.id, r.session_id, r.secret_hash, r.generation, r.expires_at, r.used_at, s.user_id,
        s.tenant_id, s.revoked_at, s.expires_at
    FROM refresh_tokens AS r
    JOIN sessions AS s ON s.id = r.session_id
    WHERE r.id = :id
"""
_USE_REFRESH: Final = """
    UPDATE refresh_tokens SET used_at = :now
    WHERE id = :id AND used_at IS NULL AND expires_at > :now
"""
_PRUNE_REFRESH: Final = """
    DELETE FROM refresh_tokens
    WHERE session_id IN (SELECT id FROM sessions WHERE expires_at < :before)
"""
_PRUNE: Final = "DELETE FROM sessions WHERE expires_at < :before"


class SessionRepository:
    """Sessions of people, across their tenants."""

    def add(self, tx: Tx, session: Session, secret_hash: str | None) -> None:
        """Insert a session."""
        tx.execute(
            _INSERT,
            id=session.id,
            user_id=session.user_id,
            in_tenant=session.tenant_id,
            kind=session.kind,
            secret_hash=secret_hash,
            address=session.address,
            user_agent=session.user_agent,
            expires_at=session.expires_at,
        )

    def find(self, tx: Tx, session_id: str, user_id: UserId) -> Session | None:
        """Return a session of the person."""
        row = tx.one(_ONE, id=session_id, user_id=user_id)
        return Session(*row) if row else None

    def page(self, tx: Tx, user_id: UserId, *, after: str, limit: int) -> list[Session]:
        """Return the person's sessions that hold, the oldest first."""
        rows = tx.all(_PAGE, user_id=user_id, after=after, limit=limit)
        return [Session(*row) for row in rows]

    def revoke(self, tx: Tx, session_id: str, user_id: UserId, *, reason: str) -> bool:
        """End a session; return False when it is none of the person's or has ended."""
        return tx.execute(_REVOKE, id=session_id, user_id=user_id, reason=reason) == 1

    def revoke_others(self, tx: Tx, user_id: UserId, *, keep: str, reason: str) -> list[str]:
        """End all sessions of the person but `keep`; return their ids."""
        rows = tx.all(_REVOKE_OTHERS, user_id=user_id, keep=keep, reason=reason)
        return [row[0] for row in rows]

    def rotate(self, tx: Tx, session_id: str, user_id: UserId, secret_hash: str) -> bool:
        """Give a browser's session another cookie; return False when it is no such session."""
        changed = tx.execute(_ROTATE, id=session_id, user_id=user_id, secret_hash=secret_hash)
        return changed == 1

    def switch(self, tx: Tx, session_id: str, user_id: UserId, tenant_id: TenantId) -> bool:
        """Let the session work in another tenant."""
        return tx.execute(_SWITCH, id=session_id, user_id=user_id, in_tenant=tenant_id) == 1

    def renew(self, tx: Tx, session_id: str, expires_at: Instant) -> None:
        """Let the session last until `expires_at`."""
        tx.execute(_RENEW, id=session_id, expires_at=expires_at)

    def add_refresh(
        self,
        tx: Tx,
        session_id: str,
        *,
        id_: str,
        secret_hash: str,
        generation: int,
        expires_at: Instant,
    ) -> None:
        """Insert a refresh token."""
        tx.execute(
            _INSERT_REFRESH,
            id=id_,
            session_id=session_id,
            secret_hash=secret_hash,
            generation=generation,
            expires_at=expires_at,
        )

    def find_refresh(self, tx: Tx, token_id: str) -> RefreshToken | None:
        """Return a refresh token with what its session says."""
        row = tx.one(_REFRESH, id=token_id)
        return RefreshToken(*row) if row else None

    def use_refresh(self, tx: Tx, token_id: str) -> bool:
        """Use a refresh token up; of all who try at once, one gets True."""
        return tx.execute(_USE_REFRESH, id=token_id) == 1

    def prune(self, tx: Tx, before: Instant) -> int:
        """Delete the sessions that expired before `before`."""
        tx.execute(_PRUNE_REFRESH, before=before)
        return tx.execute(_PRUNE, before=before)
