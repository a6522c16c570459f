"""The SQL of variables and of the keys that seal secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidemill.core.ports import Tx
from tidemill.jobs.code.variables.models import SecretKey, Variable

users_shown_max: Final = 10

_COLUMNS: Final = """
    path, value, key_id, description, version, created_at, created_by, updated_at, updated_by
"""
_SELECT: Final = f"""
    SELECT {_COLUMNS} FROM variables WHERE tenant_id = :tenant_id
"""  # noqa: S608 - constant names of columns
_FIND: Final = f"{_SELECT} AND path = :path"
_PAGE: Final = f"{_SELECT} AND path > :after ORDER BY path LIMIT :limit"
_COUNT: Final = "SELECT COUNT(*) FROM variables WHERE tenant_id = :tenant_id"
_PUT: Final = """
    INSERT INTO variables (tenant_id, path, value, key_id, description, version, created_at,
        created_by, updated_at, updated_by)
    VALUES (:tenant_id, :path, :value, :key_id, :description, 1, :now, :by, :now, :by)
    ON CONFLICT (tenant_id, path) DO UPDATE
    SET value = excluded.value, key_id = excluded.key_id, description = excluded.description,
        version = variables.version + 1, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by
"""
_DELETE: Final = "DELETE FROM variables WHERE tenant_id = :tenant_id AND path = :path"
# Scripts refer by the defaults of their arguments; a quoted text is there or it is not.
USERS: Final = """
    SELECT used_by FROM (
        SELECT 'resource ' || path AS used_by FROM resource_references
        WHERE tenant_id = :tenant_id AND target = :target AND path <> :self
        UNION ALL
        SELECT 'script ' || scripts.path FROM scripts
        JOIN script_versions AS head ON head.tenant_id = scripts.tenant_id
            AND head.script_id = scripts.id AND head.number = scripts.head
        WHERE scripts.tenant_id = :tenant_id AND scripts.archived_at IS NULL
            AND REPLACE(head.schema, :quoted, '') <> head.schema
    ) AS users ORDER BY used_by LIMIT :limit
"""
_SEALED_OTHERWISE: Final = f"""
    {_SELECT} AND key_id IS NOT NULL AND key_id <> :key_id ORDER BY path LIMIT :limit
"""
# Nothing, when somebody has written another value since it was read.
_RESEAL: Final = """
    UPDATE variables SET value = :value, key_id = :key_id
    WHERE tenant_id = :tenant_id AND path = :path AND version = :version
"""
_KEY: Final = "SELECT id, master_key_id, wrapped FROM secret_keys WHERE tenant_id = :tenant_id"
_KEY_IN_USE: Final = f"{_KEY} AND retired_at IS NULL"
_WRAPPED_OTHERWISE: Final = f"{_KEY} AND master_key_id <> :master_key_id ORDER BY id LIMIT :limit"
_KEY_BY_ID: Final = f"{_KEY} AND id = :id"
_ADD_KEY: Final = """
    INSERT INTO secret_keys (tenant_id, id, master_key_id, wrapped, created_at)
    VALUES (:tenant_id, :id, :master_key_id, :wrapped, :now)
    ON CONFLICT (tenant_id) WHERE retired_at IS NULL DO NOTHING
"""
_REWRAP: Final = """
    UPDATE secret_keys SET master_key_id = :master_key_id, wrapped = :wrapped
    WHERE tenant_id = :tenant_id AND id = :id
"""
_RETIRE: Final = """
    UPDATE secret_keys SET retired_at = :now
    WHERE tenant_id = :tenant_id AND retired_at IS NULL
"""


class VariableRepository:
    """Variables and secrets of one tenant."""

    def find(self, tx: Tx, path: str, *, lock: bool = False) -> Variable | None:
        """Return the variable at `path`; with `lock` it stays as it is until the commit."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(f"{_FIND}{suffix}", path=path)
        return Variable(*row) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Variable]:
        """Return variables by path."""
        return [Variable(*row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def count(self, tx: Tx) -> int:
        """Return how many there are."""
        row = tx.one(_COUNT)
        return int(row[0]) if row else 0

    def put(
        self, tx: Tx, path: str, value: str, *, key_id: str | None, description: str, by: str
    ) -> None:
        """Make a variable, or change it; `value` is sealed when `key_id` is given."""
        tx.execute(_PUT, path=path, value=value, key_id=key_id, description=description, by=by)

    def delete(self, tx: Tx, path: str) -> None:
        """Remove a variable."""
        tx.execute(_DELETE, path=path)

    def users(self, tx: Tx, path: str) -> list[str]:
        """Return the first few resources and scripts that refer to the variable."""
        target = f"$var:{path}"
        rows = tx.all(USERS, target=target, quoted=f'"{target}"', self="", limit=users_shown_max)
        return [row[0] for row in rows]

    def sealed_otherwise(self, tx: Tx, key_id: str, *, limit: int) -> list[Variable]:
        """Return secrets that another key than this one seals."""
        return [Variable(*row) for row in tx.all(_SEALED_OTHERWISE, key_id=key_id, limit=limit)]

    def reseal(self, tx: Tx, secret: Variable, value: str, key_id: str) -> bool:
        """Keep the same value, sealed anew; return False when it has changed meanwhile."""
        changed = tx.execute(
            _RESEAL, path=secret.path, version=secret.version, value=value, key_id=key_id
        )
        return bool(changed)


class SecretKeyRepository:
    """The keys that seal one tenant's secrets."""

    def in_use(self, tx: Tx) -> SecretKey | None:
        """Return the key that seals now."""
        return _key(tx.one(_KEY_IN_USE))

    def find(self, tx: Tx, id_: str) -> SecretKey | None:
        """Return the key of this id."""
        return _key(tx.one(_KEY_BY_ID, id=id_))

    def wrapped_otherwise(self, tx: Tx, master_key_id: str, *, limit: int) -> list[SecretKey]:
        """Return keys that another master key than this one has sealed."""
        rows = tx.all(_WRAPPED_OTHERWISE, master_key_id=master_key_id, limit=limit)
        return [SecretKey(*row) for row in rows]

    def add(self, tx: Tx, key: SecretKey) -> SecretKey:
        """Add a key, and return the one in use: another's, who was first."""
        tx.execute(_ADD_KEY, id=key.id, master_key_id=key.master_key_id, wrapped=key.wrapped)
        return self.in_use(tx) or key

    def rewrap(self, tx: Tx, key: SecretKey) -> None:
        """Keep the key as another master key has sealed it."""
        tx.execute(_REWRAP, id=key.id, master_key_id=key.master_key_id, wrapped=key.wrapped)

    def retire(self, tx: Tx) -> None:
        """Let the key in use seal no more."""
        tx.execute(_RETIRE)


def _key(row: Sequence[str] | None) -> SecretKey | None:
    return SecretKey(*row) if row else None
