"""HTTP of occurrences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant, from_datetime, rfc3339
from tidemill.core.pages import page_request
from tidemill.http import Idempotency, get, post
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.permissions import READ_SCHEDULES, RUN_SCHEDULES, WRITE_SCHEDULES
from tidemill.jobs.scheduling.occurrences.models import Occurrence, OccurrenceState
from tidemill.jobs.scheduling.schedule_runs.schemas import (
    Backfill,
    BackfillView,
    OccurrencePage,
    OccurrenceView,
)
from tidemill.jobs.scheduling.schedule_runs.service import DueTimes, Range, RunService

InState = Annotated[
    OccurrenceState | None, QueryParameter(name="state", description="Only those in this state.")
]


@get("/schedules/{schedule_id:str}/occurrences", READ_SCHEDULES)
async def list_occurrences(
    *,
    schedule_id: str,
    actor: Actor,
    schedule_runs: RunService,
    in_state: InState = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> OccurrencePage:
    """List the due times of a schedule and what became of them, the last first."""
    page = page_request(limit, cursor, f"occurrences:{schedule_id}:{in_state}")
    found = await schedule_runs.list(schedule_id, page, state=in_state, actor=actor)
    return OccurrencePage(
        items=[OccurrenceView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


@get("/schedules/{schedule_id:str}/occurrences/{occurrence_id:str}", READ_SCHEDULES)
async def get_occurrence(
    schedule_id: str, occurrence_id: str, actor: Actor, schedule_runs: RunService
) -> OccurrenceView:
    """Read one due time of a schedule."""
    found, _ = await schedule_runs.get(occurrence_id, reference=schedule_id, actor=actor)
    return OccurrenceView.of(found)


@post("/schedules/{schedule_id:str}/run-now", RUN_SCHEDULES)
async def run_schedule(
    schedule_id: str, actor: Actor, idempotency: Idempotency, schedule_runs: RunService
) -> OccurrenceView:
    """Start a schedule's job now, whatever else runs; its occurrence names the job soon."""
    once = idempotency.once(Occurrence)
    return OccurrenceView.of(await schedule_runs.run_now(schedule_id, actor=actor, once=once))


@post("/schedules/{schedule_id:str}/backfill", WRITE_SCHEDULES, status_code=200)
async def backfill_schedule(
    schedule_id: str,
    data: Backfill,
    actor: Actor,
    idempotency: Idempotency,
    schedule_runs: RunService,
) -> BackfillView:
    """Start what has not run in a range of the past, or show what would start."""
    wanted = Range(
        since=from_datetime(data.since), until=from_datetime(data.until), failed=data.failed
    )
    dues: Sequence[Instant]
    if data.preview:
        dues = await schedule_runs.fillable(schedule_id, wanted, actor=actor)
    else:
        once = idempotency.once(DueTimes)
        dues = await schedule_runs.fill(schedule_id, wanted, actor=actor, once=once)
    return BackfillView(preview=data.preview, due_at=[rfc3339(due) for due in dues])


ROUTES = (list_occurrences, get_occurrence, run_schedule, backfill_schedule)
