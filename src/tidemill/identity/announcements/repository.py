"""The SQL of what tenants have not heard yet."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Tx

_UNHEARD: Final = """
    SELECT m.user_id, m.role, m.profile_version, u.profile_version, u.name, u.avatar
    FROM memberships AS m
    JOIN users AS u ON u.id = m.user_id
    WHERE m.tenant_id = :tenant_id AND m.profile_version < u.profile_version
    ORDER BY m.user_id
    LIMIT 200
"""
_HEARD: Final = """
    UPDATE memberships SET profile_version = :profile_version
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND profile_version = :old
"""
_NEW_TENANT: Final = """
    SELECT name, slug, created_by, created_at FROM tenants
    WHERE id = :tenant_id AND announced_at IS NULL
"""
_ANNOUNCED: Final = """
    UPDATE tenants SET announced_at = :now WHERE id = :tenant_id AND announced_at IS NULL
"""
_BEHIND: Final = """
    SELECT DISTINCT t.id
    FROM tenants AS t
    JOIN memberships AS m ON m.tenant_id = t.id
    JOIN users AS u ON u.id = m.user_id
    WHERE t.state = 'active' AND (m.profile_version < u.profile_version OR t.announced_at IS NULL)
    ORDER BY t.id
    LIMIT 500
"""
_BEHIND_OF_USER: Final = """
    SELECT t.id
    FROM memberships AS m
    JOIN users AS u ON u.id = m.user_id
    JOIN tenants AS t ON t.id = m.tenant_id
    WHERE m.user_id = :user_id AND m.profile_version < u.profile_version AND t.state = 'active'
    ORDER BY t.id
    LIMIT 1000
"""


class Unheard(Struct, frozen=True):
    """A member whose profile is newer than what its tenant was told."""

    user_id: UserId
    role: str
    told: int
    profile_version: int
    name: str
    avatar: str | None


class NewTenant(Struct, frozen=True):
    """A tenant whose stream has not heard of it."""

    name: str
    slug: str
    created_by: UserId | None
    created_at: Instant


class AnnouncementRepository:
    """What the streams of tenants have not heard yet."""

    def new_tenant(self, tx: Tx) -> NewTenant | None:
        """Return the transaction's tenant when its stream has not heard of it, and mark it."""
        row = tx.one(_NEW_TENANT)
        if row is None or tx.execute(_ANNOUNCED) == 0:
            return None
        return NewTenant(*row)

    def unheard(self, tx: Tx) -> list[Unheard]:
        """Return the members whose profile the tenant has not heard."""
        return [Unheard(*row) for row in tx.all(_UNHEARD)]

    def heard(self, tx: Tx, member: Unheard) -> bool:
        """Mark a profile as told; return False when somebody else just did."""
        changed = tx.execute(
            _HEARD,
            user_id=member.user_id,
            profile_version=member.profile_version,
            old=member.told,
        )
        return changed == 1

    def behind(self, tx: Tx, user_id: UserId | None = None) -> list[TenantId]:
        """Return the tenants that have something to hear, of one person or at all."""
        rows = tx.all(_BEHIND) if user_id is None else tx.all(_BEHIND_OF_USER, user_id=user_id)
        return [TenantId(row[0]) for row in rows]
