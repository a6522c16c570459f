"""The SQL behind the operators."""

from __future__ import annotations

from typing import Final

from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Tx

_FIRST: Final = """
    SELECT id FROM tenants WHERE id <> :installation ORDER BY created_at, id LIMIT 1
"""


_EXISTS: Final = "SELECT 1 FROM tenants WHERE id = :id AND id <> :installation"


def is_tenant(tx: Tx, tenant_id: str) -> bool:
    """Return whether there is a tenant with this id."""
    return tx.one(_EXISTS, id=tenant_id, installation=INSTALLATION) is not None


def first_tenant(tx: Tx) -> TenantId | None:
    """Return the tenant that was made first, which the set-up does."""
    row = tx.one(_FIRST, installation=INSTALLATION)
    return None if row is None else TenantId(row[0])
