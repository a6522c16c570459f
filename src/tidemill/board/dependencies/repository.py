"""The SQL of dependencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tidemill.board.contract import WorkItemId
from tidemill.board.dependencies.models import (
    Dependency,
    DependencyFilter,
    DependencyType,
    LinkedItem,
)
from tidemill.board.texts import is_uuid
from tidemill.core.ports import Tx, Value

# Those of deleted items are hidden, and come back with them.
_SELECT: Final = """
    SELECT d.id, d.dependency_type, a.id, a.project_id, p.key, a.number, a.title, a.status,
        a.status_category, b.id, b.project_id, q.key, b.number, b.title, b.status,
        b.status_category, d.created_at, d.created_by
    FROM dependencies AS d
    JOIN work_items AS a ON a.tenant_id = d.tenant_id AND a.id = d.blocking_item_id
        AND a.deleted_at IS NULL
    JOIN projects AS p ON p.tenant_id = a.tenant_id AND p.id = a.project_id
        AND p.deleted_at IS NULL
    JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocked_item_id
        AND b.deleted_at IS NULL
    JOIN projects AS q ON q.tenant_id = b.tenant_id AND q.id = b.project_id
        AND q.deleted_at IS NULL
"""
_BY_ID: Final = _SELECT + "WHERE d.tenant_id = :tenant_id AND d.id = :id"
_OF_PAIR: Final = f"""
    {_SELECT} WHERE d.tenant_id = :tenant_id AND d.dependency_type = :dependency_type
        AND d.blocking_item_id = :blocking_item_id AND d.blocked_item_id = :blocked_item_id
"""
_INSERT: Final = """
    INSERT INTO dependencies (tenant_id, id, dependency_type, blocking_item_id, blocked_item_id,
        created_at, created_by)
    VALUES (:tenant_id, :id, :dependency_type, :blocking_item_id, :blocked_item_id,
        :created_at, :created_by)
    ON CONFLICT DO NOTHING
"""
_DELETE: Final = "DELETE FROM dependencies WHERE tenant_id = :tenant_id AND id = :id"
_COUNT: Final = """
    SELECT (SELECT COUNT(*) FROM dependencies
            WHERE tenant_id = :tenant_id AND blocking_item_id = :id)
        + (SELECT COUNT(*) FROM dependencies
            WHERE tenant_id = :tenant_id AND blocked_item_id = :id)
"""
_IDS_OF_ITEM: Final = """
    SELECT id FROM dependencies
    WHERE tenant_id = :tenant_id AND blocking_item_id = :item_id
    UNION ALL
    SELECT id FROM dependencies
    WHERE tenant_id = :tenant_id AND blocked_item_id = :item_id
"""
_CONDITIONS: Final = {
    "dependency_type": "AND d.dependency_type = :dependency_type",
    "project_id": "AND (a.project_id = :project_id OR b.project_id = :project_id)",
}
_AFTER: Final = "AND d.id < :after"
_END: Final = "ORDER BY d.id DESC LIMIT :limit"


class DependencyRepository:
    """Dependencies of a tenant, with what they show of both items."""

    def add(self, tx: Tx, dependency: Dependency) -> bool:
        """Insert `dependency`; return False when the items are joined by its type already."""
        inserted = tx.execute(
            _INSERT,
            id=dependency.id,
            dependency_type=dependency.dependency_type.value,
            blocking_item_id=dependency.blocking.id,
            blocked_item_id=dependency.blocked.id,
            created_at=dependency.created_at,
            created_by=dependency.created_by,
        )
        return inserted == 1

    def remove(self, tx: Tx, dependency_id: str) -> bool:
        """Delete a dependency; return False when it was gone."""
        return tx.execute(_DELETE, id=dependency_id) == 1

    def find(self, tx: Tx, dependency_id: str) -> Dependency | None:
        """Return the dependency with this id, unless one of its items is deleted."""
        row = tx.one(_BY_ID, id=dependency_id) if is_uuid(dependency_id) else None
        return _dependency(row) if row else None

    def between(
        self, tx: Tx, type_: DependencyType, first: WorkItemId, second: WorkItemId
    ) -> Dependency | None:
        """Return what joins two items by a type, whichever stands first."""
        for blocking, blocked in ((first, second), (second, first)):
            row = tx.one(
                _OF_PAIR,
                dependency_type=type_.value,
                blocking_item_id=blocking,
                blocked_item_id=blocked,
            )
            if row:
                return _dependency(row)
        return None

    def count(self, tx: Tx, item_id: WorkItemId) -> int:
        """Return how many dependencies an item has, those with deleted items included."""
        row = tx.one(_COUNT, id=item_id)
        return int(row[0]) if row else 0

    def of_item(
        self,
        tx: Tx,
        item_id: WorkItemId,
        type_: DependencyType | None,
        *,
        after: str | None,
        limit: int,
    ) -> list[Dependency]:
        """Return dependencies of an item, newest first."""
        sql, parameters = of_item_statement(item_id, type_, after)
        return [_dependency(row) for row in tx.all(sql, limit=limit, **parameters)]

    def page(
        self, tx: Tx, wanted: DependencyFilter, *, after: str | None, limit: int
    ) -> list[Dependency]:
        """Return dependencies of a filter, newest first."""
        sql, parameters = page_statement(wanted, after)
        return [_dependency(row) for row in tx.all(sql, limit=limit, **parameters)]


def of_item_statement(
    item_id: WorkItemId, type_: DependencyType | None, after: str | None
) -> tuple[str, dict[str, Value]]:
    """Return the statement that lists an item's dependencies, and its parameters but the limit.

    It sorts no more than one item can have.
    """
    parameters: dict[str, Value] = {"item_id": item_id}
    conditions = [f"AND d.id IN ({_IDS_OF_ITEM})"]
    if type_ is not None:
        conditions.append(_CONDITIONS["dependency_type"])
        parameters["dependency_type"] = type_.value
    return _listed(conditions, parameters, after)


def page_statement(wanted: DependencyFilter, after: str | None) -> tuple[str, dict[str, Value]]:
    """Return the statement that lists `wanted`, and its parameters but the limit."""
    parameters: dict[str, Value] = {
        name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None
    }
    return _listed([_CONDITIONS[name] for name in parameters], parameters, after)


def _listed(
    conditions: list[str], parameters: dict[str, Value], after: str | None
) -> tuple[str, dict[str, Value]]:
    if after is not None:
        conditions = [*conditions, _AFTER]
        parameters = {**parameters, "after": after}
    lines = (_SELECT.rstrip(), "WHERE d.tenant_id = :tenant_id", *conditions, _END)
    return "\n    ".join(lines), parameters


def _dependency(row: Sequence[Any]) -> Dependency:
    return Dependency(
        id=row[0],
        dependency_type=DependencyType(row[1]),
        blocking=LinkedItem(*row[2:9]),
        blocked=LinkedItem(*row[9:16]),
        created_at=row[16],
        created_by=row[17],
    )
