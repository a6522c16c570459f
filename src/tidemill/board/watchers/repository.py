"""The SQL of watchers."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import WorkItemId
from tidemill.board.watchers.models import Watcher, WatchState
from tidemill.core.ports import Tx

# Whoever made an item and whoever shall do it hear of it, unless they said otherwise.
_PAGE: Final = """
    SELECT them.user_id, p.name, p.avatar
    FROM (
        SELECT user_id FROM watchers
        WHERE tenant_id = :tenant_id AND work_item_id = :item_id AND state = 'watching'
        UNION
        SELECT user_id FROM people
        WHERE tenant_id = :tenant_id AND user_id IN (:creator, :assignee)
    ) AS them
    JOIN people AS p
        ON p.tenant_id = :tenant_id AND p.user_id = them.user_id AND p.state = 'active'
    WHERE them.user_id > :after AND NOT EXISTS (
        SELECT 1 FROM watchers AS w
        WHERE w.tenant_id = :tenant_id AND w.work_item_id = :item_id
            AND w.user_id = them.user_id AND w.state = 'muted'
    )
    ORDER BY them.user_id
    LIMIT :limit
"""
_SET: Final = """
    INSERT INTO watchers (tenant_id, work_item_id, user_id, state, at)
    VALUES (:tenant_id, :item_id, :user_id, :state, :now)
    ON CONFLICT (tenant_id, work_item_id, user_id) DO UPDATE
    SET state = excluded.state, at = excluded.at
    WHERE watchers.state <> excluded.state
"""


class WatcherRepository:
    """Watchers of items."""

    def page(
        self, tx: Tx, item: tuple[WorkItemId, str, str | None], *, after: str | None, limit: int
    ) -> list[Watcher]:
        """Return the watchers of `item`, an id, its creator and its assignee, by their ids."""
        item_id, creator, assignee = item
        rows = tx.all(
            _PAGE,
            item_id=item_id,
            creator=creator,
            assignee=assignee or "",
            after=after or "",
            limit=limit,
        )
        return [Watcher(*row) for row in rows]

    def set(self, tx: Tx, item_id: WorkItemId, user_id: str, state: WatchState) -> bool:
        """Keep what somebody asked for; return False when they had asked for it before."""
        changed = tx.execute(_SET, item_id=item_id, user_id=user_id, state=state.value)
        return changed == 1
