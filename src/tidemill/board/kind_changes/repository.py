"""The SQL that changes kinds, and takes items from one kind to another."""

from __future__ import annotations

from typing import Final

import msgspec

from tidemill.board.item_kinds.models import ItemKind
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx

_SAVE: Final = """
    INSERT INTO item_kinds (tenant_id, key, name, color, icon, parents, top_level, in_sprints,
        position, version, created_at, created_by, updated_at, updated_by, retired_at)
    VALUES (:tenant_id, :key, :name, :color, :icon, :parents, :top_level, :in_sprints,
        :position, :version, :created_at, :created_by, :updated_at, :updated_by, :retired_at)
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET name = excluded.name, color = excluded.color, icon = excluded.icon,
        parents = excluded.parents, top_level = excluded.top_level,
        in_sprints = excluded.in_sprints, position = excluded.position,
        version = excluded.version, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by, retired_at = excluded.retired_at
"""
_DELETE: Final = "DELETE FROM item_kinds WHERE tenant_id = :tenant_id AND key = :key"
_NAME_SET: Final = """
    INSERT INTO item_kind_sets (tenant_id, id) VALUES (:tenant_id, :id)
    ON CONFLICT (tenant_id) DO UPDATE SET id = excluded.id
"""
_TELL_PROJECTS: Final = "UPDATE projects SET kinds_id = :id WHERE tenant_id = :tenant_id"
_COUNT: Final = """
    SELECT COUNT(*) FROM work_items WHERE tenant_id = :tenant_id AND item_type = :key
"""
_IN_SPRINT: Final = """
    SELECT 1 FROM work_items
    WHERE tenant_id = :tenant_id AND item_type = :key AND sprint_id IS NOT NULL
        AND deleted_at IS NULL
    LIMIT 1
"""
_ABOVE: Final = """
    SELECT DISTINCT COALESCE(p.item_type, '') FROM work_items AS w
    LEFT JOIN work_items AS p ON p.tenant_id = w.tenant_id AND p.id = w.parent_id
    WHERE w.tenant_id = :tenant_id AND w.item_type = :key
    ORDER BY 1
"""
_BELOW: Final = """
    SELECT DISTINCT c.item_type FROM work_items AS w
    JOIN work_items AS c ON c.tenant_id = w.tenant_id AND c.parent_id = w.id
    WHERE w.tenant_id = :tenant_id AND w.item_type = :key
    ORDER BY 1
"""
_LOCK: Final = """
    SELECT id FROM work_items WHERE tenant_id = :tenant_id AND item_type = :key
    ORDER BY id FOR NO KEY UPDATE
"""
_HISTORY: Final = """
    INSERT INTO activities (tenant_id, work_item_id, version, field, action, old_value, new_value,
        at, actor_kind, actor_id, user_id, fact_id)
    SELECT tenant_id, id, version + 1, 'item_type', 'updated', CAST(:old AS TEXT),
        CAST(:new AS TEXT), CAST(:now AS BIGINT), CAST(:actor_kind AS TEXT),
        CAST(:actor_id AS TEXT), CAST(:user_id AS TEXT), CAST(:fact_id AS TEXT)
    FROM work_items
    WHERE tenant_id = :tenant_id AND item_type = :old
"""
_MOVE: Final = """
    UPDATE work_items
    SET item_type = :new, version = version + 1, updated_at = :now, updated_by = :updated_by
    WHERE tenant_id = :tenant_id AND item_type = :old
"""


class KindChangeRepository:
    """Kinds as they are written, and the items that follow."""

    def begin(self, tx: Tx) -> None:
        """Give all kinds together another id, of which every project knows.

        The first write of a change: whoever makes an item holds the row of its project, and is
        waited for.
        """
        set_id = tx.new_id()
        tx.execute(_NAME_SET, id=set_id)
        tx.execute(_TELL_PROJECTS, id=set_id)

    def save(self, tx: Tx, kind: ItemKind) -> None:
        """Write a kind."""
        tx.execute(
            _SAVE,
            key=kind.key,
            name=kind.name,
            color=kind.color,
            icon=kind.icon,
            parents=msgspec.json.encode(kind.parents).decode(),
            top_level=int(kind.top_level),
            in_sprints=None if kind.in_sprints is None else int(kind.in_sprints),
            position=kind.position,
            version=kind.version,
            created_at=kind.created_at,
            created_by=kind.created_by,
            updated_at=kind.updated_at,
            updated_by=kind.updated_by,
            retired_at=kind.retired_at,
        )

    def delete(self, tx: Tx, key: str) -> None:
        """Forget a kind."""
        tx.execute(_DELETE, key=key)

    def count(self, tx: Tx, key: str) -> int:
        """Return how many items are of a kind, deleted ones included."""
        row = tx.one(_COUNT, key=key)
        return int(row[0]) if row else 0

    def are_in_sprints(self, tx: Tx, key: str) -> bool:
        """Return whether a living item of a kind lies in a sprint."""
        return tx.one(_IN_SPRINT, key=key) is not None

    def above(self, tx: Tx, key: str) -> list[str]:
        """Return the kinds right above items of a kind; an empty text where there is nothing."""
        return [row[0] for row in tx.all(_ABOVE, key=key)]

    def below(self, tx: Tx, key: str) -> list[str]:
        """Return the kinds right below items of a kind."""
        return [row[0] for row in tx.all(_BELOW, key=key)]

    def lock_items(self, tx: Tx, key: str) -> None:
        """Let nobody else change items of a kind until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.all(_LOCK, key=key)

    def move(self, tx: Tx, old: str, new: str, fact_id: str, *, by: Actor) -> None:
        """Make all items of the kind `old` such of `new`, with their history."""
        tx.execute(
            _HISTORY,
            old=old,
            new=new,
            actor_kind=by.kind.value,
            actor_id=by.id,
            user_id=by.user_id,
            fact_id=fact_id,
        )
        tx.execute(_MOVE, old=old, new=new, updated_by=by.user_id or by.id)
