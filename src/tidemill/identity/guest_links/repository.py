"""The SQL of guest links."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import Tx
from tidemill.identity.contract import GuestLink

_COLUMNS: Final = """
    tenant_id, id, project_id, prefix, name, created_by, created_at, expires_at, last_used_at,
    revoked_at
"""
_ONE: Final = f"""
    SELECT {_COLUMNS} FROM guest_links
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND id = :id
"""  # noqa: S608 - constant names of columns
_BY_ID: Final = f"""
    SELECT {_COLUMNS} FROM guest_links WHERE tenant_id = :tenant_id AND id = :id
"""  # noqa: S608 - constant names of columns
# Whoever shows a secret has not said of which tenant it is.
_BY_PREFIX: Final = f"""
    SELECT {_COLUMNS}, secret_hash FROM guest_links WHERE prefix = :prefix
"""  # noqa: S608 - constant names of columns
_PAGE: Final = f"""
    SELECT {_COLUMNS} FROM guest_links
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND id > :after
    ORDER BY id LIMIT :limit
"""  # noqa: S608 - constant names of columns
_INSERT: Final = """
    INSERT INTO guest_links (tenant_id, id, project_id, prefix, secret_hash, name, created_by,
        created_at, expires_at)
    VALUES (:tenant_id, :id, :project_id, :prefix, :secret_hash, :name, :created_by, :created_at,
        :expires_at)
"""
_REVOKE: Final = """
    UPDATE guest_links SET revoked_at = :now
    WHERE tenant_id = :tenant_id AND id = :id AND revoked_at IS NULL
"""
_REVOKE_ALL: Final = f"""
    UPDATE guest_links SET revoked_at = :now
    WHERE tenant_id = :tenant_id AND created_by = :user_id AND revoked_at IS NULL
        AND project_id = COALESCE(:project_id, project_id)
    RETURNING {_COLUMNS}
"""  # noqa: S608 - constant names of columns
_TOUCH: Final = """
    UPDATE guest_links SET last_used_at = :now WHERE tenant_id = :tenant_id AND id = :id
"""


class GuestLinkRepository:
    """Guest links in the control store."""

    def add(self, tx: Tx, link: GuestLink, secret_hash: str) -> None:
        """Insert a link."""
        tx.execute(
            _INSERT,
            id=link.id,
            project_id=link.project_id,
            prefix=link.prefix,
            secret_hash=secret_hash,
            name=link.name,
            created_by=link.created_by,
            created_at=link.created_at,
            expires_at=link.expires_at,
        )

    def find(self, tx: Tx, project_id: str, link_id: str) -> GuestLink | None:
        """Return a link of a project."""
        row = tx.one(_ONE, project_id=project_id, id=link_id)
        return GuestLink(*row) if row else None

    def by_id(self, tx: Tx, link_id: str) -> GuestLink | None:
        """Return a link of any project of the tenant."""
        row = tx.one(_BY_ID, id=link_id)
        return GuestLink(*row) if row else None

    def by_prefix(self, tx: Tx, prefix: str) -> tuple[GuestLink, str] | None:
        """Return the link that a presented secret may be, and the digest of its secret."""
        row = tx.one(_BY_PREFIX, prefix=prefix)
        return (GuestLink(*row[:-1]), row[-1]) if row else None

    def page(self, tx: Tx, project_id: str, *, after: str, limit: int) -> list[GuestLink]:
        """Return links of a project, the oldest first."""
        rows = tx.all(_PAGE, project_id=project_id, after=after, limit=limit)
        return [GuestLink(*row) for row in rows]

    def revoke(self, tx: Tx, link_id: str) -> bool:
        """End a link; return False when it has ended."""
        return tx.execute(_REVOKE, id=link_id) == 1

    def revoke_all(self, tx: Tx, user_id: str, project_id: str | None) -> list[GuestLink]:
        """End the links that somebody made, of one project or of all; return them."""
        rows = tx.all(_REVOKE_ALL, user_id=user_id, project_id=project_id)
        return [GuestLink(*row) for row in rows]

    def touch(self, tx: Tx, link_id: str) -> None:
        """Remember that a link is in use."""
        tx.execute(_TOUCH, id=link_id)
