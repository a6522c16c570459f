"""The SQL of transfers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import SELECT_ITEMS
from tidemill.core.ports import Tx

# Deleted items, too: they come back below their parents. Their project is that of the parent.
_BELOW: Final = {
    "sqlite": "w.parent_id IN (SELECT value FROM json_each(:ids))",
    "postgres": "w.parent_id IN (SELECT json_array_elements_text(CAST(:ids AS json)))",
}
_CHILDREN: Final = {
    dialect: f"{SELECT_ITEMS} WHERE w.tenant_id = :tenant_id AND {below} "
    f"ORDER BY w.rank, w.id LIMIT :limit{' FOR UPDATE OF w' if dialect == 'postgres' else ''}"
    for dialect, below in _BELOW.items()
}
_RETIRE: Final = """
    INSERT INTO former_keys (tenant_id, project_id, number, work_item_id, retired_at)
    VALUES (:tenant_id, :project_id, :number, :id, :now)
"""
# Rank and project at once: of one project each rank is that of one item.
_REHOME: Final = """
    UPDATE work_items
    SET project_id = :project_id, number = :number, rank = :rank, external_id = :external_id
    WHERE tenant_id = :tenant_id AND id = :id
"""
_TAKE_TIME: Final = """
    UPDATE time_entries SET project_id = :project_id
    WHERE tenant_id = :tenant_id AND work_item_id = :id
"""
_EXTERNAL_ID: Final = """
    SELECT id FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND external_id = :external_id
"""


class TransferRepository:
    """Items on their way, and the keys that they leave."""

    def children(self, tx: Tx, ids: Iterable[WorkItemId], *, limit: int) -> list[WorkItem]:
        """Return the items right below others, deleted ones too; nobody else changes them."""
        encoded = msgspec.json.encode(list(ids)).decode()
        return [WorkItem(*row) for row in tx.all(_CHILDREN[tx.dialect], ids=encoded, limit=limit)]

    def rehome(self, tx: Tx, old: WorkItem, new: WorkItem) -> None:
        """Put an item into another project, with its time, and keep its key; not its version."""
        tx.execute(_RETIRE, project_id=old.project_id, number=old.number, id=old.id)
        tx.execute(
            _REHOME,
            id=new.id,
            project_id=new.project_id,
            number=new.number,
            rank=new.rank,
            external_id=new.external_id,
        )
        tx.execute(_TAKE_TIME, id=new.id, project_id=new.project_id)

    def is_imported(self, tx: Tx, project_id: ProjectId, external_id: str) -> bool:
        """Return whether an item of the project, deleted or not, came with this id."""
        return tx.one(_EXTERNAL_ID, project_id=project_id, external_id=external_id) is not None
