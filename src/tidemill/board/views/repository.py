"""The SQL of views."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId, ViewId
from tidemill.board.views.models import View
from tidemill.core.ports import Tx, Value

_COLUMNS: Final = """
    SELECT id, project_id, name, filter, owner_id, shared_at, version, created_at, updated_at,
        updated_by
    FROM views
"""
_BY_ID: Final = _COLUMNS + "WHERE tenant_id = :tenant_id AND id = :id"
_PAGE: Final = _COLUMNS + (
    "WHERE tenant_id = :tenant_id AND id > :after "
    "AND (owner_id = :owner_id OR shared_at IS NOT NULL)"
)
_OF_PROJECT: Final = " AND project_id = :project_id"
_PAGE_END: Final = " ORDER BY id LIMIT :limit"
_COUNT: Final = "SELECT count(*) FROM views WHERE tenant_id = :tenant_id AND owner_id = :owner_id"
_INSERT: Final = """
    INSERT INTO views (tenant_id, id, project_id, name, filter, owner_id, shared_at, version,
        created_at, updated_at, updated_by)
    VALUES (:tenant_id, :id, :project_id, :name, :filter, :owner_id, :shared_at, :version,
        :created_at, :updated_at, :updated_by)
"""
_UPDATE: Final = """
    UPDATE views
    SET name = :name, filter = :filter, shared_at = :shared_at, version = :version,
        updated_at = :updated_at, updated_by = :updated_by
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
_DELETE: Final = "DELETE FROM views WHERE tenant_id = :tenant_id AND id = :id"


class ViewRepository:
    """Views of a tenant."""

    def find(self, tx: Tx, view_id: str, *, lock: bool = False) -> View | None:
        """Return a view; with `lock` nobody else changes it before this transaction ends."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(_BY_ID + suffix, id=view_id)
        return View(*row) if row else None

    def page(
        self, tx: Tx, owner_id: str, project_id: ProjectId | None, *, after: str, limit: int
    ) -> list[View]:
        """Return shared views and those of `owner_id`, oldest first."""
        given: dict[str, Value] = {"owner_id": owner_id, "after": after, "limit": limit}
        sql = _PAGE + _PAGE_END
        if project_id is not None:
            sql = _PAGE + _OF_PROJECT + _PAGE_END
            given["project_id"] = project_id
        return [View(*row) for row in tx.all(sql, **given)]

    def count_of(self, tx: Tx, owner_id: str) -> int:
        """Return how many views a person has."""
        row = tx.one(_COUNT, owner_id=owner_id)
        return int(row[0]) if row else 0

    def add(self, tx: Tx, view: View) -> None:
        """Insert `view`."""
        tx.execute(
            _INSERT,
            id=view.id,
            project_id=view.project_id,
            name=view.name,
            filter=view.filter,
            owner_id=view.owner_id,
            shared_at=view.shared_at,
            version=view.version,
            created_at=view.created_at,
            updated_at=view.updated_at,
            updated_by=view.updated_by,
        )

    def save(self, tx: Tx, view: View) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=view.id,
            name=view.name,
            filter=view.filter,
            shared_at=view.shared_at,
            version=view.version,
            previous_version=view.version - 1,
            updated_at=view.updated_at,
            updated_by=view.updated_by,
        )
        return changed == 1

    def remove(self, tx: Tx, view_id: ViewId) -> None:
        """Delete a view."""
        tx.execute(_DELETE, id=view_id)
