"""The SQL of API tokens."""

from __future__ import annotations

from typing import Final

from tidemill.core.ids import UserId
from tidemill.core.ports import Row, Tx
from tidemill.identity.tokens.models import ApiToken, scopes_from_text, scopes_to_text

_SELECT: Final = """
    SELECT tenant_id, id, user_id, prefix, name, scopes, created_at, expires_at, last_used_at,
        revoked_at
    FROM api_tokens
"""
_ONE: Final = _SELECT + "WHERE tenant_id = :tenant_id AND id = :id"
_PAGE: Final = _SELECT + (
    "WHERE tenant_id = :tenant_id AND user_id = :user_id AND id > :after ORDER BY id LIMIT :limit"
)
_PAGE_OF_ALL: Final = _SELECT + (
    "WHERE tenant_id = :tenant_id AND id > :after ORDER BY id LIMIT :limit"
)
_INSERT: Final = """
    INSERT INTO api_tokens (tenant_id, id, user_id, prefix, secret_hash, name, scopes, created_at,
        expires_at)
    VALUES (:tenant_id, :id, :user_id, :prefix, :secret_hash, :name, :scopes, :created_at,
        :expires_at)
"""
_REVOKE: Final = """
    UPDATE api_tokens SET revoked_at = :now
    WHERE tenant_id = :tenant_id AND id = :id AND revoked_at IS NULL
"""
_REVOKE_ALL: Final = """
    UPDATE api_tokens SET revoked_at = :now
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND revoked_at IS NULL
    RETURNING prefix
"""


class ApiTokenRepository:
    """API tokens of a tenant."""

    def add(self, tx: Tx, token: ApiToken, secret_hash: str) -> None:
        """Insert a token."""
        tx.execute(
            _INSERT,
            id=token.id,
            user_id=token.user_id,
            prefix=token.prefix,
            secret_hash=secret_hash,
            name=token.name,
            scopes=scopes_to_text(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

    def find(self, tx: Tx, token_id: str) -> ApiToken | None:
        """Return a token."""
        row = tx.one(_ONE, id=token_id)
        return _token(row) if row else None

    def page(self, tx: Tx, user_id: UserId | None, *, after: str, limit: int) -> list[ApiToken]:
        """Return the tokens of a person, or of everybody, the oldest first."""
        if user_id is None:
            rows = tx.all(_PAGE_OF_ALL, after=after, limit=limit)
        else:
            rows = tx.all(_PAGE, user_id=user_id, after=after, limit=limit)
        return [_token(row) for row in rows]

    def revoke(self, tx: Tx, token_id: str) -> bool:
        """End a token; return False when it has ended."""
        return tx.execute(_REVOKE, id=token_id) == 1

    def revoke_all(self, tx: Tx, user_id: UserId) -> list[str]:
        """End the person's tokens in the tenant; return their prefixes."""
        return [row[0] for row in tx.all(_REVOKE_ALL, user_id=user_id)]


def _token(row: Row) -> ApiToken:
    tenant_id, id_, user_id, prefix, name, scopes, created_at, expires_at, used_at, revoked_at = row
    return ApiToken(
        tenant_id,
        id_,
        user_id,
        prefix,
        name,
        scopes_from_text(scopes),
        created_at,
        expires_at,
        used_at,
        revoked_at,
    )
