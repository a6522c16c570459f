"""What the audit log hears of schedules."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.ports import Tx
from tidemill.jobs.scheduling.schedules.models import Schedule


def told(schedule: Schedule) -> dict[str, object]:
    """Return what the audit log keeps of a schedule."""
    return {
        "definition": schedule.definition,
        "enabled": schedule.enabled,
        "paused_at": schedule.paused_at,
        "paused_until": schedule.paused_until,
    }


def audit(
    tx: Tx,
    verb: str,
    schedule: Schedule,
    *,
    by: Actor,
    before: object = None,
    after: object = None,
) -> None:
    """Leave a line in the audit log."""
    tx.audit(
        f"jobs.schedules.{verb}",
        by=by,
        resource=f"schedule:{schedule.path}",
        before=before,
        after=after,
    )
