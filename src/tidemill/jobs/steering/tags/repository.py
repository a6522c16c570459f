"""The SQL of tags: pauses of lanes, and how many jobs wait and run."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

tags_max: Final = 1_000
_COUNT: Final = """
    SELECT tag, state, COUNT(*), MIN(due_at) FROM jobs WHERE tenant_id = :tenant_id
    GROUP BY tag, state ORDER BY tag, state LIMIT :limit
"""
_COUNT_ALL: Final = """
    SELECT tag, state, COUNT(*), MIN(due_at) FROM jobs
    GROUP BY tag, state ORDER BY tag, state LIMIT :limit
"""
_PAUSED: Final = """
    SELECT tag, paused_at FROM ready_lanes
    WHERE tenant_id = :tenant_id AND paused_at IS NOT NULL ORDER BY tag LIMIT :limit
"""
_PAUSE: Final = """
    INSERT INTO ready_lanes (tenant_id, tag, weight, paused_at)
    VALUES (:tenant_id, :tag, 1, :now)
    ON CONFLICT (tenant_id, tag) DO UPDATE SET paused_at = excluded.paused_at
    WHERE ready_lanes.paused_at IS NULL
"""
_RESUME: Final = """
    UPDATE ready_lanes SET paused_at = NULL
    WHERE tenant_id = :tenant_id AND tag = :tag AND paused_at IS NOT NULL
"""
_states_per_tag_max: Final = 8


class TagRepository:
    """Tags of one tenant, or in the installation's transaction those of everybody."""

    def counts(
        self, tx: Tx, *, everywhere: bool = False
    ) -> list[tuple[str, str, int, Instant | None]]:
        """Return tag, state, number of jobs and the oldest due time."""
        sql = _COUNT_ALL if everywhere else _COUNT
        rows = tx.all(sql, limit=tags_max * _states_per_tag_max)
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def paused(self, tx: Tx) -> dict[str, Instant]:
        """Return since when which tags are paused."""
        return {row[0]: row[1] for row in tx.all(_PAUSED, limit=tags_max)}

    def pause(self, tx: Tx, tag: str) -> bool:
        """Hand out no job of the tag; return whether that is new."""
        return bool(tx.execute(_PAUSE, tag=tag))

    def resume(self, tx: Tx, tag: str) -> bool:
        """Hand out jobs of the tag again; return whether that is new."""
        return bool(tx.execute(_RESUME, tag=tag))
