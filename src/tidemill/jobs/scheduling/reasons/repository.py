"""The SQL of where a ready job stands."""

from __future__ import annotations

from typing import Final

from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Tx
from tidemill.jobs.scheduling.reasons.models import Lane

ahead_max: Final = 1_000
"""How far is counted: nobody needs to know it more exactly."""
_PLACE: Final = """
    SELECT order_key, position, tag, isolation FROM jobs
    WHERE tenant_id = :tenant_id AND id = :id AND state = 'queued'
"""
_AHEAD: Final = """
    SELECT COUNT(*) FROM (
        SELECT 1 FROM jobs
        WHERE state = 'queued' AND tag = :tag AND isolation = :isolation
            AND tenant_id = :tenant_id
            AND (order_key < :order_key OR (order_key = :order_key AND position < :position))
        LIMIT :limit
    ) AS ahead
"""
_PAUSED: Final = """
    SELECT MIN(paused_at) FROM ready_lanes
    WHERE tenant_id IN (:tenant_id, :installation) AND tag = :tag AND paused_at IS NOT NULL
"""


class ReasonRepository:
    """Reads the lane of a job."""

    def lane(self, tx: Tx, job_id: str) -> Lane | None:
        """Return where a job stands among those with its tag; None when it is not ready."""
        place = tx.one(_PLACE, id=job_id)
        if place is None:
            return None
        order_key, position, tag, isolation = place
        ahead = tx.one(
            _AHEAD,
            tag=tag,
            isolation=isolation,
            order_key=order_key,
            position=position,
            limit=ahead_max,
        )
        paused = tx.one(_PAUSED, tag=tag, installation=INSTALLATION)
        return Lane(
            ahead=int(ahead[0]) if ahead else 0,
            ahead_max=ahead_max,
            paused_at=paused[0] if paused else None,
        )
