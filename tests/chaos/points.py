"""Every named crash point, and the process that passes it. A test compares this to the code."""

from __future__ import annotations

from typing import Final

API: Final = "api"
DISPATCHER: Final = "dispatcher"
WORKER: Final = "worker"

# On one machine the API process dispatches, too.
CRASH_POINTS: Final = {
    "api_started": API,
    "before_commit": API,
    "after_commit": API,
    "enqueue_after_commit": API,
    "dispatch_before_claim": API,
    "dispatch_after_claim": API,
    "dispatch_after_assign": API,
    "dispatch_before_finish": API,
    "dispatch_after_finish": API,
    "relay_before_append": API,
    "relay_after_append": API,
    "relay_after_publish": API,
    "audit_before_append": API,
    "audit_after_append": API,
    "worker_before_start": WORKER,
    "worker_after_start": WORKER,
    "worker_before_outcome": WORKER,
    "worker_after_outcome_sent": WORKER,
}

ROLE_POINTS: Final = (
    *((API, point) for point in CRASH_POINTS if not point.startswith(("dispatch_", "worker_"))),
    *((DISPATCHER, point) for point in CRASH_POINTS if point.startswith("dispatch_")),
    *((WORKER, point) for point in CRASH_POINTS if point.startswith("worker_")),
    # What happens to jobs is committed, and delivered, by the dispatcher.
    *((DISPATCHER, point) for point in ("before_commit", "after_commit", "relay_after_append")),
)
"""Every crash point in the process of its own that passes it."""
