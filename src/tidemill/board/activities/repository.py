"""The SQL of activities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tidemill.board.activities.models import WHOLE_ITEM, Action, Activity, Happened
from tidemill.board.contract import FieldChange, WorkItemId
from tidemill.core.actor import Actor, ActorKind
from tidemill.core.ports import Tx, Value

_INSERT = """
    INSERT INTO activities (tenant_id, work_item_id, version, field, action, old_value, new_value,
        at, actor_kind, actor_id, user_id, fact_id)
    VALUES (:tenant_id, :work_item_id, :version, :field, :action, :old_value, :new_value,
        :now, :actor_kind, :actor_id, :user_id, :fact_id)
"""
_PAGE = """
    SELECT work_item_id, version, field, action, old_value, new_value, at, actor_kind, actor_id,
        user_id
    FROM activities
    WHERE tenant_id = :tenant_id AND work_item_id = :work_item_id
        AND (version < :version OR (version = :version
            AND (at < :at OR (at = :at AND field > :field))))
    ORDER BY version DESC, at DESC, field
    LIMIT :limit
"""
_FIELDS_SINCE = """
    SELECT DISTINCT field FROM activities
    WHERE tenant_id = :tenant_id AND work_item_id = :work_item_id AND version > :version
"""
_NEWEST = (2**62, 2**62, "")


class ActivityRepository:
    """Activities; they are only ever added."""

    def add(
        self,
        tx: Tx,
        item: tuple[WorkItemId, int],
        happened: Happened,
        *,
        by: Actor,
        changes: Sequence[FieldChange] = WHOLE_ITEM,
    ) -> None:
        """Write what happened to `item`, an id and its new version."""
        rows = [_parameters(item, happened, by, change) for change in changes]
        if len(rows) == 1:
            tx.execute(_INSERT, **rows[0])
        else:
            tx.execute_many(_INSERT, rows)

    def add_created(
        self, tx: Tx, items: Iterable[tuple[WorkItemId, Happened]], *, by: Actor
    ) -> None:
        """Write that `items` came to be with version 1."""
        rows = (_parameters((item, 1), happened, by, WHOLE_ITEM[0]) for item, happened in items)
        tx.execute_many(_INSERT, rows)

    def add_all(
        self,
        tx: Tx,
        items: Iterable[tuple[WorkItemId, int, Sequence[FieldChange]]],
        happened: Happened,
        *,
        by: Actor,
    ) -> None:
        """Write what happened to items, each an id, its new version and its changes."""
        rows = (
            _parameters((item_id, version), happened, by, change)
            for item_id, version, changes in items
            for change in changes or WHOLE_ITEM
        )
        tx.execute_many(_INSERT, rows)

    def fields_since(self, tx: Tx, item_id: WorkItemId, version: int) -> frozenset[str]:
        """Return which fields of an item were changed after `version`."""
        rows = tx.all(_FIELDS_SINCE, work_item_id=item_id, version=version)
        return frozenset(row[0] for row in rows)

    def page(
        self, tx: Tx, item_id: WorkItemId, *, after: tuple[int, int, str] | None, limit: int
    ) -> list[Activity]:
        """Return activities of an item, newest version first."""
        version, at, field = after or _NEWEST
        rows = tx.all(_PAGE, work_item_id=item_id, version=version, at=at, field=field, limit=limit)
        return [_activity(row) for row in rows]


def _parameters(
    item: tuple[WorkItemId, int], happened: Happened, by: Actor, change: FieldChange
) -> dict[str, Value]:
    return {
        "work_item_id": item[0],
        "version": item[1],
        "field": change.field_name,
        "action": happened[0].value,
        "fact_id": happened[1],
        "old_value": change.old_value,
        "new_value": change.new_value,
        "actor_kind": by.kind.value,
        "actor_id": by.id,
        "user_id": by.user_id,
    }


def _activity(row: Sequence[Any]) -> Activity:
    item_id, version, field, action, old, new, at, kind, actor_id, user_id = row
    return Activity(
        item_id, version, field, Action(action), old, new, at, ActorKind(kind), actor_id, user_id
    )
