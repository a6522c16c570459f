"""The SQL behind the check of every credential; one statement each."""

from __future__ import annotations

from typing import Final

import msgspec

from tidemill.core.actor import Role
from tidemill.core.ids import UserId
from tidemill.core.ports import Row, Tx
from tidemill.identity.grants.models import ApiTokenState, SessionState, Standing, UserState

_STANDING: Final = """
    SELECT u.security_version, u.disabled_at, m.role, s.id, s.user_id, s.tenant_id, s.kind,
        s.secret_hash, s.last_seen_at, s.expires_at, s.revoked_at
    FROM users AS u
    LEFT JOIN memberships AS m ON m.tenant_id = :tenant_id AND m.user_id = u.id
    LEFT JOIN sessions AS s ON s.id = :session_id AND s.user_id = u.id
    WHERE u.id = :user_id
"""
_SESSION: Final = """
    SELECT id, user_id, tenant_id, kind, secret_hash, last_seen_at, expires_at, revoked_at
    FROM sessions
    WHERE secret_hash = :secret_hash
"""
_SELECT_API: Final = """
    SELECT id, tenant_id, user_id, prefix, secret_hash, scopes, expires_at, revoked_at
    FROM api_tokens
"""
_TOKEN_BY_PREFIX: Final = _SELECT_API + "WHERE prefix = :prefix"
_TOKEN_BY_ID: Final = _SELECT_API + "WHERE tenant_id = :tenant_id AND id = :id"
_TOUCH_API: Final = """
    UPDATE api_tokens SET last_used_at = :at
    WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :at)
"""
_TOUCH_SESSION: Final = (
    "UPDATE sessions SET last_seen_at = :at WHERE id = :id AND last_seen_at < :at"
)


class GrantRepository:
    """What stands behind a credential."""

    def standing(self, tx: Tx, user_id: UserId, session_id: str | None) -> Standing:
        """Return the person's account, role in the transaction's tenant, and session."""
        row = tx.one(_STANDING, user_id=user_id, session_id=session_id or "")
        if row is None:
            return Standing()
        return Standing(
            user=UserState(row[0], row[1] is not None),
            role=Role(row[2]) if row[2] is not None else None,
            session=_session(row[3:]) if row[3] is not None else None,
        )

    def session(self, tx: Tx, secret_hash: str) -> SessionState | None:
        """Return the session of a cookie."""
        row = tx.one(_SESSION, secret_hash=secret_hash)
        return _session(row) if row else None

    def token_by_prefix(self, tx: Tx, prefix: str) -> ApiTokenState | None:
        """Return the API token that a presented one may be."""
        row = tx.one(_TOKEN_BY_PREFIX, prefix=prefix)
        return _token(row) if row else None

    def token_by_id(self, tx: Tx, token_id: str) -> ApiTokenState | None:
        """Return an API token of the transaction's tenant."""
        row = tx.one(_TOKEN_BY_ID, id=token_id)
        return _token(row) if row else None

    def touch(self, tx: Tx, *, tokens: dict[str, int], sessions: dict[str, int]) -> None:
        """Remember when tokens and sessions were used last."""
        if tokens:
            tx.execute_many(_TOUCH_API, [{"id": id_, "at": at} for id_, at in tokens.items()])
        if sessions:
            tx.execute_many(_TOUCH_SESSION, [{"id": id_, "at": at} for id_, at in sessions.items()])


def _session(row: Row) -> SessionState:
    id_, user_id, tenant_id, kind, secret_hash, last_seen_at, expires_at, revoked_at = row
    return SessionState(
        id_, user_id, tenant_id, kind, secret_hash, last_seen_at, expires_at, revoked_at is not None
    )


def _token(row: Row) -> ApiTokenState:
    id_, tenant_id, user_id, prefix, secret_hash, scopes, expires_at, revoked_at = row
    return ApiTokenState(
        id_,
        tenant_id,
        user_id,
        prefix,
        secret_hash,
        msgspec.json.decode(scopes, type=frozenset[str]),
        expires_at,
        revoked_at is not None,
    )
