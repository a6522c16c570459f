"""The SQL of templates of work items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tidemill.board.contract import ProjectId
from tidemill.board.item_templates.models import ItemTemplate, Sketch
from tidemill.board.texts import name_key
from tidemill.core.ports import Tx

_COLUMNS: Final = """
    SELECT id, project_id, name, description, root, version, created_at, created_by, updated_at,
        updated_by
    FROM item_templates
"""
# Those of a deleted project are hidden with it.
_REACHABLE: Final = """
    AND (project_id IS NULL OR EXISTS (
        SELECT 1 FROM projects AS p
        WHERE p.tenant_id = :tenant_id AND p.id = item_templates.project_id AND p.deleted_at IS NULL
    ))
"""
_BY_ID: Final = f"{_COLUMNS} WHERE tenant_id = :tenant_id AND id = :id {_REACHABLE}"
_PAGE: Final = f"{_COLUMNS} WHERE tenant_id = :tenant_id AND id > :after {_REACHABLE}"
_OF_PROJECT: Final = " AND (project_id IS NULL OR project_id = :project_id)"
_PAGE_END: Final = " ORDER BY id LIMIT :limit"
_COUNT: Final = "SELECT COUNT(*) FROM item_templates WHERE tenant_id = :tenant_id"
_INSERT: Final = """
    INSERT INTO item_templates (tenant_id, id, project_id, name, name_key, description, root,
        version, created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :id, :project_id, :name, :name_key, :description, :root, :version,
        :created_at, :created_by, :updated_at, :updated_by)
    ON CONFLICT DO NOTHING
"""
_TWIN: Final = """
    SELECT id FROM item_templates
    WHERE tenant_id = :tenant_id AND name_key = :name_key AND COALESCE(project_id, '') = :scope
        AND id <> :id
    LIMIT 1
"""
_UPDATE: Final = """
    UPDATE item_templates
    SET name = :name, name_key = :name_key, description = :description, root = :root,
        version = :version, updated_at = :updated_at, updated_by = :updated_by
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
_DELETE: Final = "DELETE FROM item_templates WHERE tenant_id = :tenant_id AND id = :id"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('item-templates:' || :tenant_id, 0))"
_root = msgspec.json.Decoder(Sketch)


class ItemTemplateRepository:
    """Templates of a tenant."""

    def lock(self, tx: Tx) -> None:
        """Let nobody else change templates until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_LOCK)

    def find(self, tx: Tx, template_id: str) -> ItemTemplate | None:
        """Return a template."""
        row = tx.one(_BY_ID, id=template_id)
        return _template(row) if row else None

    def page(
        self, tx: Tx, *, project_id: ProjectId | None, after: str | None, limit: int
    ) -> list[ItemTemplate]:
        """Return templates, oldest first; of a project: those that it can use."""
        condition = "" if project_id is None else _OF_PROJECT
        given = {} if project_id is None else {"project_id": project_id}
        rows = tx.all(_PAGE + condition + _PAGE_END, after=after or "", limit=limit, **given)
        return [_template(row) for row in rows]

    def count(self, tx: Tx) -> int:
        """Return how many templates there are."""
        row = tx.one(_COUNT)
        return int(row[0]) if row else 0

    def has_twin(self, tx: Tx, template: ItemTemplate) -> bool:
        """Return whether another template of the same scope has the name."""
        found = tx.one(
            _TWIN, name_key=name_key(template.name), scope=template.project_id or "", id=template.id
        )
        return found is not None

    def add(self, tx: Tx, template: ItemTemplate) -> bool:
        """Insert `template`; return False when its name is taken."""
        inserted = tx.execute(
            _INSERT,
            id=template.id,
            project_id=template.project_id,
            name=template.name,
            name_key=name_key(template.name),
            description=template.description,
            root=_encoded(template.root),
            version=template.version,
            created_at=template.created_at,
            created_by=template.created_by,
            updated_at=template.updated_at,
            updated_by=template.updated_by,
        )
        return inserted == 1

    def save(self, tx: Tx, template: ItemTemplate) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        saved = tx.execute(
            _UPDATE,
            id=template.id,
            previous_version=template.version - 1,
            name=template.name,
            name_key=name_key(template.name),
            description=template.description,
            root=_encoded(template.root),
            version=template.version,
            updated_at=template.updated_at,
            updated_by=template.updated_by,
        )
        return saved == 1

    def delete(self, tx: Tx, template_id: str) -> None:
        """Forget a template."""
        tx.execute(_DELETE, id=template_id)


def _encoded(root: Sketch) -> str:
    return msgspec.json.encode(root).decode()


def _template(row: Sequence[Any]) -> ItemTemplate:
    id_, project_id, name, description, root, version, *stamps = row
    created_at, created_by, updated_at, updated_by = stamps
    return ItemTemplate(
        id=id_,
        project_id=project_id,
        name=name,
        description=description,
        root=_root.decode(root),
        version=version,
        created_at=created_at,
        created_by=created_by,
        updated_at=updated_at,
        updated_by=updated_by,
    )
