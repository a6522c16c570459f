"""The SQL of projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tidemill.board.contract import ProjectId
from tidemill.board.projects.models import Project, ProjectStatus
from tidemill.board.texts import is_project_key, is_uuid
from tidemill.core.ports import Tx

_COLUMNS = """
    SELECT id, key, name, description, next_item_number, version, created_at, created_by,
        updated_at, updated_by, archived_at, deleted_at, time_zone, workflow_id, kinds_id,
        visibility
    FROM projects
"""
_BY_ID = _COLUMNS + "WHERE tenant_id = :tenant_id AND id = :reference"
_BY_KEY = _COLUMNS + "WHERE tenant_id = :tenant_id AND key = :reference"
_PAGE = _COLUMNS + "WHERE tenant_id = :tenant_id AND key > :after AND deleted_at IS NULL"
_PAGE_ACTIVE = _PAGE + " AND archived_at IS NULL"
_PAGE_ARCHIVED = _PAGE + " AND archived_at IS NOT NULL"
_PAGE_END = " ORDER BY key LIMIT :limit"
_PAGES = {None: _PAGE, ProjectStatus.ACTIVE: _PAGE_ACTIVE, ProjectStatus.ARCHIVED: _PAGE_ARCHIVED}
_INSERT = """
    INSERT INTO projects (tenant_id, id, key, name, description, next_item_number, version,
        created_at, created_by, updated_at, updated_by, kinds_id, visibility)
    VALUES (:tenant_id, :id, :key, :name, :description, :next_item_number, :version,
        :created_at, :created_by, :updated_at, :updated_by,
        (SELECT id FROM item_kind_sets WHERE tenant_id = :tenant_id), :visibility)
    ON CONFLICT (tenant_id, key) DO NOTHING
"""
_UPDATE = """
    UPDATE projects
    SET name = :name, description = :description, version = :version, updated_at = :updated_at,
        updated_by = :updated_by, archived_at = :archived_at, deleted_at = :deleted_at,
        time_zone = :time_zone, visibility = :visibility
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
_TAKE_NUMBERS = """
    UPDATE projects SET next_item_number = next_item_number + :count
    WHERE tenant_id = :tenant_id AND id = :reference AND id IN (
        SELECT id FROM projects WHERE tenant_id = :tenant_id AND id = :reference
    )
        AND archived_at IS NULL AND deleted_at IS NULL
    RETURNING id, key, next_item_number, workflow_id, limits_id, kinds_id, EXISTS (
        SELECT 1 FROM custom_fields AS f
        WHERE f.tenant_id = :tenant_id AND (f.project_id IS NULL OR f.project_id = projects.id)
            AND (f.is_required = 1 OR f.default_value IS NOT NULL)
    )
"""
_TAKE_NUMBERS_BY_KEY = _TAKE_NUMBERS.replace("id = :reference", "key = :reference")


class Numbers(Struct, frozen=True):
    """Numbers that nobody else will get: from `first` on, in the project `project_id`.

    `workflow_id` is the project's, `limits_id` are the limits of its board, and `kinds_id` the
    kinds of the tenant, as they stay until the transaction ends. `has_demanding_fields` tells
    whether new items have values of custom fields by themselves, or must have some.
    """

    project_id: ProjectId
    project_key: str
    first: int
    workflow_id: str | None = None
    limits_id: str | None = None
    kinds_id: str | None = None
    has_demanding_fields: bool = False


class ProjectRepository:
    """Projects of a tenant."""

    def add(self, tx: Tx, project: Project) -> bool:
        """Insert `project`; return False when its key is taken."""
        inserted = tx.execute(
            _INSERT,
            id=project.id,
            key=project.key,
            name=project.name,
            description=project.description,
            next_item_number=project.next_item_number,
            version=project.version,
            created_at=project.created_at,
            created_by=project.created_by,
            updated_at=project.updated_at,
            updated_by=project.updated_by,
            visibility=project.visibility,
        )
        return inserted == 1

    def find(self, tx: Tx, reference: str, *, lock: bool = False) -> Project | None:
        """Return the project with this id or key, deleted or not.

        With `lock` nobody else changes it before this transaction ends.
        """
        sql, reference = _sql_for(reference, _BY_ID, _BY_KEY)
        if sql is None:
            return None
        suffix = " FOR NO KEY UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(sql + suffix, reference=reference)
        return Project(*row) if row else None

    def page(
        self, tx: Tx, *, status: ProjectStatus | None, after: str | None, limit: int
    ) -> list[Project]:
        """Return projects by key."""
        sql = _PAGES[status] + _PAGE_END
        return [_project(row) for row in tx.all(sql, after=after or "", limit=limit)]

    def save(self, tx: Tx, project: Project) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=project.id,
            previous_version=project.version - 1,
            name=project.name,
            description=project.description,
            version=project.version,
            updated_at=project.updated_at,
            updated_by=project.updated_by,
            archived_at=project.archived_at,
            deleted_at=project.deleted_at,
            time_zone=project.time_zone,
            visibility=project.visibility,
        )
        return changed == 1

    def take_numbers(self, tx: Tx, reference: str, count: int = 1) -> Numbers | None:
        """Return `count` fresh numbers of an active project; None when there is none such."""
        sql, reference = _sql_for(reference, _TAKE_NUMBERS, _TAKE_NUMBERS_BY_KEY)
        row = tx.one(sql, reference=reference, count=count) if sql else None
        if row is None:
            return None
        project_id, key, following, workflow_id, limits_id, kinds_id, is_demanding = row
        return Numbers(
            project_id,
            key,
            following - count,
            workflow_id,
            limits_id,
            kinds_id,
            bool(is_demanding),
        )


def _sql_for(reference: str, by_id: str, by_key: str) -> tuple[str | None, str]:
    """Return the statement for an id or a key in any case, and how the row has it."""
    if is_uuid(reference):
        return by_id, reference
    key = reference.upper()
    return (by_key if is_project_key(key) else None), key


def _project(row: Sequence[Any]) -> Project:
    return Project(*row)
