"""The SQL of worker tokens. They belong to the installation, so that is their tenant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import Row, Tx
from tidemill.identity.worker_tokens.models import WorkerToken

_COLUMNS: Final = """
    id, prefix, name, tags, tenants, created_by, created_at, expires_at, last_used_at, revoked_at
"""
_ONE: Final = f"""
    SELECT {_COLUMNS} FROM worker_tokens WHERE tenant_id = :tenant_id AND id = :id
"""  # noqa: S608 - constant names of columns
_BY_PREFIX: Final = f"""
    SELECT {_COLUMNS}, secret_hash FROM worker_tokens
    WHERE tenant_id = :tenant_id AND prefix = :prefix
"""  # noqa: S608 - constant names of columns
_NAMED: Final = """
    SELECT 1 FROM worker_tokens
    WHERE tenant_id = :tenant_id AND name = :name AND revoked_at IS NULL
"""
_PAGE: Final = f"""
    SELECT {_COLUMNS} FROM worker_tokens
    WHERE tenant_id = :tenant_id AND id > :after ORDER BY id LIMIT :limit
"""  # noqa: S608 - constant names of columns
_INSERT: Final = """
    INSERT INTO worker_tokens (tenant_id, id, prefix, secret_hash, name, tags, tenants, created_by,
        created_at, expires_at)
    VALUES (:tenant_id, :id, :prefix, :secret_hash, :name, :tags, :tenants, :created_by,
        :created_at, :expires_at)
"""
_REVOKE: Final = """
    UPDATE worker_tokens SET revoked_at = :now
    WHERE tenant_id = :tenant_id AND id = :id AND revoked_at IS NULL
"""
_TOUCH: Final = """
    UPDATE worker_tokens SET last_used_at = :now
    WHERE tenant_id = :tenant_id AND id = :id
        AND (last_used_at IS NULL OR last_used_at < :before)
"""
_TENANT: Final = "SELECT 1 FROM tenants WHERE id = :id AND id <> :tenant_id"


class WorkerTokenRepository:
    """Worker tokens; each method needs a transaction of the installation."""

    def add(self, tx: Tx, token: WorkerToken, secret_hash: str) -> None:
        """Insert a token."""
        tx.execute(
            _INSERT,
            id=token.id,
            prefix=token.prefix,
            secret_hash=secret_hash,
            name=token.name,
            tags=_json(token.tags),
            tenants=_json(token.tenants),
            created_by=token.created_by,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

    def is_taken(self, tx: Tx, name: str) -> bool:
        """Return whether a token that was not revoked has this name."""
        return tx.one(_NAMED, name=name) is not None

    def find(self, tx: Tx, token_id: str) -> WorkerToken | None:
        """Return a token."""
        row = tx.one(_ONE, id=token_id)
        return _token(row) if row else None

    def by_prefix(self, tx: Tx, prefix: str) -> tuple[WorkerToken, str] | None:
        """Return the token that a presented one may be, and the digest of its secret."""
        row = tx.one(_BY_PREFIX, prefix=prefix)
        return (_token(row[:-1]), row[-1]) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[WorkerToken]:
        """Return tokens, the oldest first."""
        return [_token(row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def revoke(self, tx: Tx, token_id: str) -> bool:
        """End a token; return False when it has ended."""
        return tx.execute(_REVOKE, id=token_id) == 1

    def touch(self, tx: Tx, token_ids: Iterable[str], *, before: Instant) -> None:
        """Remember that tokens are in use, where that was written before `before`."""
        tx.execute_many(_TOUCH, [{"id": id_, "before": before} for id_ in token_ids])

    def is_tenant(self, tx: Tx, tenant_id: TenantId) -> bool:
        """Return whether there is such a tenant."""
        return tx.one(_TENANT, id=tenant_id) is not None


def _token(row: Row) -> WorkerToken:
    id_, prefix, name, tags, tenants, *rest = row
    return WorkerToken(id_, prefix, name, _texts(tags), _texts(tenants), *rest)


def _json(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else msgspec.json.encode(names).decode()


def _texts(column: str | None) -> tuple[TenantId, ...] | None:
    return None if column is None else msgspec.json.decode(column, type=tuple[TenantId, ...])
