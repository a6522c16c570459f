"""The SQL of activity feeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tidemill.board.activities.models import Action, Activity
from tidemill.board.activity_feeds.models import Numbered, Place
from tidemill.board.contract import ProjectId, WorkItemId, project_topic
from tidemill.core.actor import ActorKind
from tidemill.core.ports import Tx

_HEAD: Final = "SELECT seq FROM stream_heads WHERE tenant_id = :tenant_id"
_COLUMNS: Final = """
    SELECT s.seq, a.work_item_id, a.version, a.field, a.action, a.old_value, a.new_value, a.at,
        a.actor_kind, a.actor_id, a.user_id
"""
_BEHIND: Final = """
    AND s.seq >= :seq AND s.seq <= :until AND (s.seq > :seq OR a.version > :version
        OR (a.version = :version AND (a.work_item_id > :after_item
            OR (a.work_item_id = :after_item AND a.field > :field))))
    ORDER BY s.seq, a.version, a.work_item_id, a.field
    LIMIT :limit
"""
# SQLite joins in the order that a cross join says.
OF_ITEM: Final = f"""{_COLUMNS}
    FROM activities AS a
    CROSS JOIN stream AS s
    WHERE s.tenant_id = :tenant_id AND s.id = a.fact_id AND a.tenant_id = :tenant_id
        AND a.work_item_id = :work_item_id {_BEHIND}
"""
# Without statistics SQLite takes the tenant's whole history for shorter than that of one fact.
_ACTIVITIES: Final = {
    "sqlite": "activities AS a INDEXED BY idx_activities_fact_id",
    "postgres": "activities AS a",
}
# Facts say what they are about, also where an item has gone to another project since.
OF_PROJECT: Final = {
    dialect: f"""{_COLUMNS}
    FROM stream AS s
    CROSS JOIN {activities}
    WHERE a.tenant_id = :tenant_id AND a.fact_id = s.id AND s.tenant_id = :tenant_id
        AND s.topics LIKE :topic {_BEHIND}
"""
    for dialect, activities in _ACTIVITIES.items()
}


class ActivityFeedRepository:
    """Activities by the numbers that their facts have in the tenant's stream."""

    def head(self, tx: Tx) -> int:
        """Return the last number that is given; what has a smaller one is committed."""
        row = tx.one(_HEAD)
        return 0 if row is None else int(row[0])

    def of_item(
        self, tx: Tx, item_id: WorkItemId, after: Place, *, until: int, limit: int
    ) -> list[Numbered]:
        """Return what happened to an item behind a place, up to a number, oldest first."""
        rows = tx.all(OF_ITEM, work_item_id=item_id, until=until, limit=limit, **_parameters(after))
        return [_numbered(row) for row in rows]

    def of_project(
        self, tx: Tx, project_id: ProjectId, after: Place, *, until: int, limit: int
    ) -> list[Numbered]:
        """Return what happened to items of a project while they were in it; see `of_item`."""
        topic = f'%"{project_topic(project_id)}"%'
        rows = tx.all(
            OF_PROJECT[tx.dialect], topic=topic, until=until, limit=limit, **_parameters(after)
        )
        return [_numbered(row) for row in rows]


def _parameters(after: Place) -> dict[str, int | str]:
    return {
        "seq": after.seq,
        "version": after.version,
        "after_item": after.work_item_id,
        "field": after.field,
    }


def _numbered(row: Sequence[Any]) -> Numbered:
    seq, item_id, version, field, action, old, new, at, kind, actor_id, user_id = row
    activity = Activity(
        item_id, version, field, Action(action), old, new, at, ActorKind(kind), actor_id, user_id
    )
    return Numbered(seq, activity)
