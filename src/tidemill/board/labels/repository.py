"""The SQL of labels, and of which items bear them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tidemill.board.contract import LabelId, ProjectId, WorkItemId
from tidemill.board.labels.models import ItemLabel, Label
from tidemill.board.texts import is_printed, is_uuid, name_key
from tidemill.core.ports import Row, Tx

_COLUMNS: Final = """
    SELECT id, project_id, name, color, description, version, created_at, created_by,
        updated_at, updated_by, deleted_at
    FROM labels
"""
_BY_ID: Final = f"{_COLUMNS} WHERE tenant_id = :tenant_id AND id = :id"
# Those of a deleted project are hidden with it.
_REACHABLE: Final = """
    AND (project_id IS NULL OR EXISTS (
        SELECT 1 FROM projects AS p
        WHERE p.tenant_id = :tenant_id AND p.id = labels.project_id AND p.deleted_at IS NULL
    ))
"""
_PAGE: Final = (
    f"{_COLUMNS} WHERE tenant_id = :tenant_id AND id > :after AND deleted_at IS NULL {_REACHABLE}"
)
_OF_PROJECT: Final = " AND (project_id IS NULL OR project_id = :project_id)"
_PAGE_END: Final = " ORDER BY id LIMIT :limit"
_INSERT: Final = """
    INSERT INTO labels (tenant_id, id, project_id, name, name_key, color, description, version,
        created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :id, :project_id, :name, :name_key, :color, :description, :version,
        :created_at, :created_by, :updated_at, :updated_by)
    ON CONFLICT DO NOTHING
"""
_UPDATE: Final = """
    UPDATE labels
    SET name = :name, name_key = :name_key, color = :color, description = :description,
        version = :version, updated_at = :updated_at, updated_by = :updated_by,
        deleted_at = :deleted_at
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
_BY_IDS: Final = f"""{_COLUMNS}
    WHERE tenant_id = :tenant_id AND deleted_at IS NULL AND id IN
"""
_ANY_BY_IDS: Final = f"{_COLUMNS} WHERE tenant_id = :tenant_id AND id IN "
_TWIN: Final = """
    SELECT id FROM labels
    WHERE tenant_id = :tenant_id AND name_key = :name_key AND deleted_at IS NULL
        AND COALESCE(project_id, '') = :scope AND id <> :id
    LIMIT 1
"""
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('labels:' || :tenant_id, 0))"
_VALUES: Final = {
    "sqlite": "(SELECT value FROM json_each(:wanted))",
    "postgres": "(SELECT json_array_elements_text(CAST(:wanted AS json)))",
}
_SHOWN: Final = """
    SELECT id, name, color FROM labels
    WHERE tenant_id = :tenant_id AND deleted_at IS NULL AND id IN
"""
_BY_NAME: Final = f"""{_COLUMNS}
    WHERE tenant_id = :tenant_id AND deleted_at IS NULL AND name_key IN
"""
_BEAR: Final = """
    INSERT INTO item_labels (tenant_id, work_item_id, label_id)
    VALUES (:tenant_id, :work_item_id, :label_id)
    ON CONFLICT DO NOTHING
"""
_SHED: Final = """
    DELETE FROM item_labels
    WHERE tenant_id = :tenant_id AND work_item_id = :work_item_id AND label_id = :label_id
"""


class LabelRepository:
    """Labels of a tenant."""

    def add(self, tx: Tx, label: Label) -> bool:
        """Insert `label`; return False when its name is taken."""
        inserted = tx.execute(
            _INSERT,
            id=label.id,
            project_id=label.project_id,
            name=label.name,
            name_key=name_key(label.name),
            color=label.color,
            description=label.description,
            version=label.version,
            created_at=label.created_at,
            created_by=label.created_by,
            updated_at=label.updated_at,
            updated_by=label.updated_by,
        )
        return inserted == 1

    def lock_names(self, tx: Tx) -> None:
        """Let nobody else change labels that are there until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_LOCK)

    def find(self, tx: Tx, label_id: str) -> Label | None:
        """Return a label, deleted or not."""
        row = tx.one(_BY_ID, id=label_id)
        return Label(*row) if row else None

    def page(
        self, tx: Tx, *, project_id: ProjectId | None, after: str | None, limit: int
    ) -> list[Label]:
        """Return labels, oldest first; of a project: those that its items can bear."""
        condition = "" if project_id is None else _OF_PROJECT
        given = {} if project_id is None else {"project_id": project_id}
        rows = tx.all(_PAGE + condition + _PAGE_END, after=after or "", limit=limit, **given)
        return [Label(*row) for row in rows]

    def has_twin(self, tx: Tx, label: Label) -> bool:
        """Return whether another living label of the same scope has the name."""
        found = tx.one(
            _TWIN, name_key=name_key(label.name), scope=label.project_id or "", id=label.id
        )
        return found is not None

    def save(self, tx: Tx, label: Label) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=label.id,
            previous_version=label.version - 1,
            name=label.name,
            name_key=name_key(label.name),
            color=label.color,
            description=label.description,
            version=label.version,
            updated_at=label.updated_at,
            updated_by=label.updated_by,
            deleted_at=label.deleted_at,
        )
        return changed == 1

    def shown(self, tx: Tx, ids: Collection[LabelId]) -> Mapping[LabelId, ItemLabel]:
        """Return the living ones among labels."""
        if not ids:
            return {}
        rows = tx.all(_SHOWN + _VALUES[tx.dialect], wanted=_json(ids))
        return {row[0]: ItemLabel(*row) for row in rows}

    def by_ids(self, tx: Tx, ids: Collection[LabelId]) -> list[Label]:
        """Return labels, deleted ones too."""
        return [Label(*row) for row in self._in(tx, _ANY_BY_IDS, ids)]

    def named(self, tx: Tx, references: Collection[str]) -> list[Label]:
        """Return the living labels with these ids or names, of the tenant and its projects."""
        ids = [reference for reference in references if is_uuid(reference.lower())]
        # Nothing is called what no database can keep.
        names = [name_key(reference.strip()) for reference in references if is_printed(reference)]
        rows = [
            *self._in(tx, _BY_IDS, map(str.lower, ids)),
            *self._in(tx, _BY_NAME, names),
        ]
        return [Label(*row) for row in rows]

    def _in(self, tx: Tx, sql: str, values: Iterable[str]) -> Sequence[Row]:
        wanted = sorted(set(values))
        return tx.all(sql + _VALUES[tx.dialect], wanted=_json(wanted)) if wanted else ()

    def bear(self, tx: Tx, pairs: Iterable[tuple[WorkItemId, LabelId]]) -> None:
        """Put labels on items."""
        tx.execute_many(_BEAR, map(_pair, pairs))

    def shed(self, tx: Tx, pairs: Iterable[tuple[WorkItemId, LabelId]]) -> None:
        """Take labels off items."""
        tx.execute_many(_SHED, map(_pair, pairs))


def _pair(pair: tuple[WorkItemId, LabelId]) -> dict[str, str]:
    return {"work_item_id": pair[0], "label_id": pair[1]}


def _json(texts: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(set(texts))).decode()
