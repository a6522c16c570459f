"""The SQL of folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidemill.core.ports import Row, Tx
from tidemill.jobs.folders.models import Folder, Grants, Level, folders_max, grants_max

things_shown_max: Final = 5

_SELECT: Final = """
    SELECT name, description, version, created_at, created_by, updated_at, updated_by
    FROM folders WHERE tenant_id = :tenant_id
"""
_FIND: Final = f"{_SELECT} AND name = :name"
_PAGE: Final = f"{_SELECT} AND name > :after ORDER BY name LIMIT :limit"
_COUNT: Final = "SELECT COUNT(*) FROM folders WHERE tenant_id = :tenant_id"
_GRANTS: Final = """
    SELECT who, level FROM folder_grants
    WHERE tenant_id = :tenant_id AND folder = :name ORDER BY who LIMIT :limit
"""
_ALL: Final = """
    SELECT folders.name, folder_grants.who, folder_grants.level FROM folders
    LEFT JOIN folder_grants ON folder_grants.tenant_id = folders.tenant_id
        AND folder_grants.folder = folders.name
    WHERE folders.tenant_id = :tenant_id ORDER BY folders.name LIMIT :limit
"""
_PUT: Final = """
    INSERT INTO folders (tenant_id, name, description, version, created_at, created_by,
        updated_at, updated_by)
    VALUES (:tenant_id, :name, :description, 1, :now, :by, :now, :by)
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET description = excluded.description, version = folders.version + 1,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""
_FORGET_GRANTS: Final = """
    DELETE FROM folder_grants WHERE tenant_id = :tenant_id AND folder = :name
"""
_GRANT: Final = """
    INSERT INTO folder_grants (tenant_id, folder, who, level)
    VALUES (:tenant_id, :name, :who, :level)
"""
_DELETE: Final = "DELETE FROM folders WHERE tenant_id = :tenant_id AND name = :name"
# The paths of a folder lie between its name with a slash and the same with what follows a slash.
_THINGS: Final = """
    SELECT path FROM (
        SELECT path FROM scripts
        WHERE tenant_id = :tenant_id AND path >= :first AND path < :beyond
            AND archived_at IS NULL
        UNION ALL
        SELECT path FROM variables
        WHERE tenant_id = :tenant_id AND path >= :first AND path < :beyond
        UNION ALL
        SELECT path FROM resources
        WHERE tenant_id = :tenant_id AND path >= :first AND path < :beyond
    ) AS things ORDER BY path LIMIT :limit
"""


class FolderRepository:
    """Folders of one tenant."""

    def find(self, tx: Tx, name: str, *, lock: bool = False) -> Folder | None:
        """Return the folder of this name; with `lock` it stays as it is until the commit."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(f"{_FIND}{suffix}", name=name)
        return None if row is None else self._folder(tx, row)

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Folder]:
        """Return folders by name."""
        return [self._folder(tx, row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def count(self, tx: Tx) -> int:
        """Return how many there are."""
        row = tx.one(_COUNT)
        return int(row[0]) if row else 0

    def grants(self, tx: Tx, name: str) -> dict[str, Level]:
        """Return what may be done in the folder of this name."""
        rows = tx.all(_GRANTS, name=name, limit=grants_max)
        return {who: Level(level) for who, level in rows}

    def all_grants(self, tx: Tx) -> Grants:
        """Return what may be done in each folder."""
        found: dict[str, dict[str, Level]] = {}
        for name, who, level in tx.all(_ALL, limit=folders_max * grants_max):
            given = found.setdefault(name, {})
            if who is not None:
                given[who] = Level(level)
        return found

    def put(
        self, tx: Tx, name: str, *, description: str, grants: Mapping[str, Level], by: str
    ) -> None:
        """Make a folder, or change it."""
        tx.execute(_PUT, name=name, description=description, by=by)
        tx.execute(_FORGET_GRANTS, name=name)
        tx.execute_many(
            _GRANT,
            [{"name": name, "who": who, "level": str(level)} for who, level in grants.items()],
        )

    def delete(self, tx: Tx, name: str) -> None:
        """Remove a folder."""
        tx.execute(_FORGET_GRANTS, name=name)
        tx.execute(_DELETE, name=name)

    def things(self, tx: Tx, name: str) -> list[str]:
        """Return the paths of the first few things in a folder."""
        rows = tx.all(_THINGS, first=f"f/{name}/", beyond=f"f/{name}0", limit=things_shown_max)
        return [row[0] for row in rows]

    def _folder(self, tx: Tx, row: Row) -> Folder:
        name, description, version, created_at, created_by, updated_at, updated_by = row
        return Folder(
            name=name,
            description=description,
            grants=self.grants(tx, name),
            version=version,
            created_at=created_at,
            created_by=created_by,
            updated_at=updated_at,
            updated_by=updated_by,
        )
