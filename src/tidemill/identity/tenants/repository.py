"""The SQL of tenants, as far as people see them."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx
from tidemill.identity.tenants.models import Tenant

_SELECT: Final = """
    SELECT id, name, slug, state, created_at, updated_at, version, created_by FROM tenants
"""
_BY_ID: Final = _SELECT + "WHERE id = :id"
_INSERT: Final = """
    INSERT INTO tenants (id, name, slug, created_by, created_at, updated_at)
    VALUES (:id, :name, :slug, :created_by, :created_at, :created_at)
    ON CONFLICT (slug) DO NOTHING
"""
_SLUG_FREE: Final = "SELECT id FROM tenants WHERE slug = :slug AND id <> :id"
_SAVE: Final = """
    UPDATE tenants SET name = :name, slug = :slug, updated_at = :updated_at, version = :version
    WHERE id = :id AND version = :version - 1
"""
_WITHOUT_STORE: Final = """
    SELECT id FROM tenants WHERE state = 'provisioning' AND created_at < :before
    ORDER BY id LIMIT 100
"""


class TenantRepository:
    """Tenants of the installation."""

    def find(self, tx: Tx, tenant_id: TenantId) -> Tenant | None:
        """Return a tenant."""
        row = tx.one(_BY_ID, id=tenant_id)
        return Tenant(*row) if row else None

    def without_store(self, tx: Tx, before: Instant) -> list[TenantId]:
        """Return tenants whose stores are not there, though they should be since `before`."""
        return [TenantId(row[0]) for row in tx.all(_WITHOUT_STORE, before=before)]

    def add(self, tx: Tx, tenant: Tenant) -> bool:
        """Insert a tenant; return False when its slug is taken."""
        inserted = tx.execute(
            _INSERT,
            id=tenant.id,
            name=tenant.name,
            slug=tenant.slug,
            created_by=tenant.created_by,
            created_at=tenant.created_at,
        )
        return inserted == 1

    def slug_is_free(self, tx: Tx, slug: str, *, besides: TenantId) -> bool:
        """Return whether no other tenant has the slug."""
        return tx.one(_SLUG_FREE, slug=slug, id=besides) is None

    def save(self, tx: Tx, tenant: Tenant) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _SAVE,
            id=tenant.id,
            name=tenant.name,
            slug=tenant.slug,
            updated_at=tenant.updated_at,
            version=tenant.version,
        )
        return changed == 1
