"""The SQL of resources and their types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tidemill.core.ports import Tx
from tidemill.jobs.code.resources.models import Resource, ResourceType
from tidemill.jobs.code.variables.repository import USERS
from tidemill.jobs.references import RESOURCE

users_shown_max: Final = 10

_AUTHORS: Final = "description, version, created_at, created_by, updated_at, updated_by"
_SELECT: Final = f"""
    SELECT path, type, value, {_AUTHORS} FROM resources WHERE tenant_id = :tenant_id
"""  # noqa: S608 - constant names of columns
_PAGE: Final = f"{_SELECT} AND path > :after ORDER BY path LIMIT :limit"
_COUNT: Final = "SELECT COUNT(*) FROM resources WHERE tenant_id = :tenant_id"
_PUT: Final = """
    INSERT INTO resources (tenant_id, path, type, value, description, version, created_at,
        created_by, updated_at, updated_by)
    VALUES (:tenant_id, :path, :type, :value, :description, 1, :now, :by, :now, :by)
    ON CONFLICT (tenant_id, path) DO UPDATE
    SET type = excluded.type, value = excluded.value, description = excluded.description,
        version = resources.version + 1, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by
"""
_DELETE: Final = "DELETE FROM resources WHERE tenant_id = :tenant_id AND path = :path"
_FORGET_REFERENCES: Final = """
    DELETE FROM resource_references WHERE tenant_id = :tenant_id AND path = :path
"""
_ADD_REFERENCE: Final = """
    INSERT INTO resource_references (tenant_id, target, path) VALUES (:tenant_id, :target, :path)
"""
_TYPE: Final = f"""
    SELECT name, schema, {_AUTHORS} FROM resource_types WHERE tenant_id = :tenant_id
"""  # noqa: S608 - constant names of columns
_TYPES: Final = f"{_TYPE} AND name > :after ORDER BY name LIMIT :limit"
_PUT_TYPE: Final = """
    INSERT INTO resource_types (tenant_id, name, schema, description, version, created_at,
        created_by, updated_at, updated_by)
    VALUES (:tenant_id, :name, :schema, :description, 1, :now, :by, :now, :by)
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET schema = excluded.schema, description = excluded.description,
        version = resource_types.version + 1, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by
"""
_DELETE_TYPE: Final = "DELETE FROM resource_types WHERE tenant_id = :tenant_id AND name = :name"
_OF_TYPE: Final = """
    SELECT path FROM resources WHERE tenant_id = :tenant_id AND type = :name
    ORDER BY path LIMIT :limit
"""


_REFERENCES: Final = """
    SELECT target FROM resource_references WHERE tenant_id = :tenant_id AND path = :path
    ORDER BY target
"""
_ALONE: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('resource-references:' || :tenant_id, 0))
"""


class ResourceRepository:
    """Resources of one tenant."""

    def find(self, tx: Tx, path: str, *, lock: bool = False) -> Resource | None:
        """Return the resource at `path`; with `lock` it stays as it is until the commit."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(f"{_SELECT} AND path = :path{suffix}", path=path)
        return Resource(*row) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Resource]:
        """Return resources by path."""
        return [Resource(*row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def count(self, tx: Tx) -> int:
        """Return how many there are."""
        row = tx.one(_COUNT)
        return int(row[0]) if row else 0

    def put(self, tx: Tx, path: str, *, type_: str, value: str, description: str, by: str) -> None:
        """Make a resource, or change it."""
        tx.execute(_PUT, path=path, type=type_, value=value, description=description, by=by)

    def refer(self, tx: Tx, path: str, targets: Iterable[str]) -> None:
        """Keep what the resource refers to now."""
        tx.execute(_FORGET_REFERENCES, path=path)
        tx.execute_many(_ADD_REFERENCE, [{"target": target, "path": path} for target in targets])

    def refer_alone(self, tx: Tx) -> None:
        """Wait until nobody else ties resources of the tenant, and let nobody until the commit."""
        if tx.dialect == "postgres":
            tx.one(_ALONE)

    def targets(self, tx: Tx, path: str) -> list[str]:
        """Return what the resource at `path` refers to."""
        return [row[0] for row in tx.all(_REFERENCES, path=path)]

    def delete(self, tx: Tx, path: str) -> None:
        """Remove a resource."""
        tx.execute(_FORGET_REFERENCES, path=path)
        tx.execute(_DELETE, path=path)

    def users(self, tx: Tx, path: str) -> list[str]:
        """Return the first few other resources, and scripts, that refer to the one at `path`."""
        target = f"{RESOURCE}{path}"
        rows = tx.all(USERS, target=target, quoted=f'"{target}"', self=path, limit=users_shown_max)
        return [row[0] for row in rows]

    def of_type(self, tx: Tx, name: str) -> list[str]:
        """Return the paths of the first few resources of a type."""
        return [row[0] for row in tx.all(_OF_TYPE, name=name, limit=users_shown_max)]


class ResourceTypeRepository:
    """One tenant's own types."""

    def find(self, tx: Tx, name: str, *, lock: str = "") -> ResourceType | None:
        """Return the tenant's own type of this name.

        With a `lock` of PostgreSQL, SHARE or UPDATE, it stays as it is until the commit.
        """
        suffix = f" FOR {lock}" if lock and tx.dialect == "postgres" else ""
        row = tx.one(f"{_TYPE} AND name = :name{suffix}", name=name)
        return ResourceType(*row) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[ResourceType]:
        """Return the tenant's own types by name."""
        return [ResourceType(*row) for row in tx.all(_TYPES, after=after, limit=limit)]

    def put(self, tx: Tx, name: str, *, schema: str, description: str, by: str) -> None:
        """Make a type, or change it."""
        tx.execute(_PUT_TYPE, name=name, schema=schema, description=description, by=by)

    def delete(self, tx: Tx, name: str) -> None:
        """Remove a type."""
        tx.execute(_DELETE_TYPE, name=name)
