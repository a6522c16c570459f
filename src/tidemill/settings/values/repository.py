"""The SQL of stored setting values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidemill.core.ports import Tx
from tidemill.settings.values.models import StoredValue

# More than there are keys at two scopes; a limit for a table that someone filled by hand.
_rows_max: Final = 2_000

_OF = """
    SELECT user_id, key, value
    FROM setting_values
    WHERE tenant_id = :tenant_id AND user_id IN ('', CAST(:user_id AS TEXT))
    ORDER BY user_id DESC, key
    LIMIT :limit
"""
_ONE = """
    SELECT value FROM setting_values
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND key = :key
"""
_PUT = """
    INSERT INTO setting_values (tenant_id, user_id, key, value, updated_at, updated_by)
    VALUES (:tenant_id, :user_id, :key, :value, :now, :updated_by)
    ON CONFLICT (tenant_id, user_id, key) DO UPDATE
    SET value = excluded.value, updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""
_REMOVE = """
    DELETE FROM setting_values
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND key = :key
"""


class SettingRepository:
    """Stored values of the transaction's tenant."""

    def of(self, tx: Tx, user_id: str = "") -> Sequence[StoredValue]:
        """Return the tenant's own values, and those of `user_id`."""
        rows = tx.all(_OF, user_id=user_id, limit=_rows_max)
        return [StoredValue(*row) for row in rows]

    def get(self, tx: Tx, key: str, user_id: str) -> str | None:
        """Return one value as JSON."""
        row = tx.one(_ONE, key=key, user_id=user_id)
        return None if row is None else str(row[0])

    def put(self, tx: Tx, stored: StoredValue, *, updated_by: str) -> None:
        """Write one value."""
        tx.execute(
            _PUT,
            user_id=stored.user_id,
            key=stored.key,
            value=stored.value,
            updated_by=updated_by,
        )

    def remove(self, tx: Tx, key: str, user_id: str) -> bool:
        """Remove one value; return whether there was one."""
        return tx.execute(_REMOVE, key=key, user_id=user_id) > 0
