"""The SQL of lanes: what lies in them, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidemill.board.board_settings.models import LaneField
from tidemill.board.contract import ProjectId
from tidemill.board.item_kinds.repository import ItemKindRepository
from tidemill.board.swim_lanes.lanes import AMONG_IDS, LANES
from tidemill.core.ports import Tx


class LaneRepository:
    """Lanes of a project's items."""

    def __init__(self) -> None:
        self._kinds = ItemKindRepository()

    def started(self, tx: Tx, project_id: ProjectId, field: LaneField) -> dict[str | None, int]:
        """Return how many started items of a project each lane has."""
        rows = tx.all(started_statement(field), project_id=project_id)
        return {value: int(count) for value, count in rows}

    def lane_names(
        self, tx: Tx, field: LaneField, values: Sequence[str], *, limit: int
    ) -> Sequence[tuple[str, str, str | None]]:
        """Return the first lanes among `values`, in order: value, name, and the key of an item."""
        sql = LANES[field].names
        if LANES[field].is_kind:
            kinds = self._kinds.load(tx)
            return [(each.key, each.name, None) for each in kinds if each.key in values][:limit]
        if sql is None:
            ordered = [each for each in LANES[field].choices if each in values]
            return [(each, each.capitalize(), None) for each in ordered][:limit]
        ids = msgspec.json.encode(values).decode()
        rows = tx.all(sql.format(among=AMONG_IDS[tx.dialect]), ids=ids, limit=limit)
        return [
            (value, name, None if project is None else f"{project}-{number}")
            for value, name, project, number in rows
        ]


def started_statement(field: LaneField) -> str:
    """Return the statement that counts the started items of a project by lane."""
    cut = LANES[field]
    return f"""
        SELECT {cut.value}, count(*) FROM work_items AS w {cut.joins}
        WHERE w.tenant_id = :tenant_id AND w.deleted_at IS NULL AND w.archived_at IS NULL
            AND w.project_id = :project_id AND w.status_category = 'started'
        GROUP BY {cut.value} ORDER BY {cut.value}
    """  # noqa: S608 - constants
