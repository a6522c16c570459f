"""HTTP of schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar.connection import Request
from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.clock import from_datetime, rfc3339
from tidemill.core.pages import page_request
from tidemill.http import Idempotency, Tagged, composed, delete, get, post, put
from tidemill.http.parameters import Cursor, Limit, instant_of
from tidemill.jobs.permissions import READ_SCHEDULES, WRITE_SCHEDULES
from tidemill.jobs.scheduling.schedules.models import Schedule, Sought
from tidemill.jobs.scheduling.schedules.schemas import (
    CreateSchedule,
    PauseSchedule,
    PreviewSchedule,
    PreviewView,
    PutSchedule,
    SchedulePage,
    ScheduleView,
)
from tidemill.jobs.scheduling.schedules.service import ScheduleService

Count = Annotated[
    int, QueryParameter(name="count", ge=1, le=200, description="How many due times, 1 to 200.")
]
OwnerId = Annotated[
    str | None, QueryParameter(name="owner_id", description="Whose rights its jobs have.")
]
UpdatedSince = Annotated[
    datetime | None,
    QueryParameter(
        name="updated_since", description="Made, changed, paused or resumed from then on."
    ),
]


@post("/schedules", WRITE_SCHEDULES)
async def create_schedule(
    data: CreateSchedule,
    actor: Actor,
    idempotency: Idempotency,
    schedules: ScheduleService,
    request: Request[Any, Any, Any],
) -> Tagged[ScheduleView]:
    """Make a schedule. Its jobs run with your rights.

    What cannot hold is refused here: a cron that never fires, an unknown zone or script,
    arguments that do not fit the script, schedules that would wait for each other.
    """
    schedule = await schedules.create(
        data.path,
        data.definition,
        enabled=data.enabled,
        actor=actor,
        once=idempotency.once(Schedule),
    )
    return await _answer(schedule, schedules, request, actor)


@get("/schedules", READ_SCHEDULES)
async def list_schedules(  # noqa: PLR0913 - one parameter for each filter
    *,
    actor: Actor,
    schedules: ScheduleService,
    path: str | None = None,
    script_path: str | None = None,
    owner_id: OwnerId = None,
    updated_since: UpdatedSince = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> SchedulePage:
    """List schedules by path.

    Those that act for you and were saved since your session was stolen: `owner_id` and
    `updated_since`.
    """
    sought = Sought(
        path=path,
        script_path=script_path,
        owner_id=owner_id,
        updated_since=instant_of("updated_since", updated_since),
    )
    page = page_request(limit, cursor, f"schedules:{msgspec.json.encode(sought).decode()}")
    found = await schedules.list(page, sought, actor=actor)
    now, shown = schedules.now(), await schedules.to_come(found.items, actor=actor)
    return SchedulePage(
        items=[ScheduleView.of(schedule, now) for schedule in shown],
        next_cursor=found.next_cursor,
    )


@post("/schedules/preview", READ_SCHEDULES, status_code=200)
async def preview_schedule(
    data: PreviewSchedule, actor: Actor, schedules: ScheduleService
) -> PreviewView:
    """Return the next due times of a schedule that need not exist."""
    found = await schedules.preview(data.definition, count=data.count, actor=actor)
    return PreviewView(due_at=[rfc3339(due) for due in found])


@get("/schedules/{schedule_id:str}", READ_SCHEDULES)
async def get_schedule(
    schedule_id: str, actor: Actor, schedules: ScheduleService, request: Request[Any, Any, Any]
) -> Tagged[ScheduleView]:
    """Read a schedule by its id, or by a path without a slash."""
    return await _answer(await schedules.get(schedule_id, actor=actor), schedules, request, actor)


@put("/schedules/{schedule_id:str}", WRITE_SCHEDULES)
async def replace_schedule(
    *,
    schedule_id: str,
    data: PutSchedule,
    actor: Actor,
    expected_version: int | None,
    schedules: ScheduleService,
    request: Request[Any, Any, Any],
) -> Tagged[ScheduleView]:
    """Replace a schedule's definition. From now on its jobs run with your rights."""
    schedule = await schedules.replace(
        schedule_id,
        data.definition,
        enabled=data.enabled,
        expected_version=expected_version,
        actor=actor,
    )
    return await _answer(schedule, schedules, request, actor)


@delete("/schedules/{schedule_id:str}", WRITE_SCHEDULES)
async def delete_schedule(
    schedule_id: str, actor: Actor, expected_version: int | None, schedules: ScheduleService
) -> None:
    """Delete a schedule; what it has started goes on."""
    await schedules.delete(schedule_id, expected_version=expected_version, actor=actor)


@get("/schedules/{schedule_id:str}/preview", READ_SCHEDULES)
async def preview_next(
    schedule_id: str, actor: Actor, schedules: ScheduleService, count: Count = 10
) -> PreviewView:
    """Return the next due times of a schedule."""
    found = await schedules.upcoming(schedule_id, count=count, actor=actor)
    return PreviewView(due_at=[rfc3339(due) for due in found])


@post("/schedules/{schedule_id:str}/pause", WRITE_SCHEDULES, status_code=200)
async def pause_schedule(
    schedule_id: str,
    data: PauseSchedule,
    actor: Actor,
    schedules: ScheduleService,
    request: Request[Any, Any, Any],
) -> Tagged[ScheduleView]:
    """Let a schedule rest; due times meanwhile are skipped, and say so."""
    until = None if data.until is None else from_datetime(data.until)
    schedule = await schedules.pause(schedule_id, until=until, actor=actor)
    return await _answer(schedule, schedules, request, actor)


@post("/schedules/{schedule_id:str}/resume", WRITE_SCHEDULES, status_code=200)
async def resume_schedule(
    schedule_id: str, actor: Actor, schedules: ScheduleService, request: Request[Any, Any, Any]
) -> Tagged[ScheduleView]:
    """End a schedule's rest; one that does not rest stays as it is."""
    return await _answer(
        await schedules.resume(schedule_id, actor=actor), schedules, request, actor
    )


async def _answer(
    schedule: Schedule,
    schedules: ScheduleService,
    request: Request[Any, Any, Any],
    actor: Actor,
) -> Tagged[ScheduleView]:
    (shown,) = await schedules.to_come([schedule], actor=actor)
    view = ScheduleView.of(shown, schedules.now())
    # Its runs move what comes next, and no version.
    return composed(view, version=schedule.version, request=request, born=schedule.created_at)


ROUTES = (
    create_schedule,
    list_schedules,
    preview_schedule,
    get_schedule,
    replace_schedule,
    delete_schedule,
    preview_next,
    pause_schedule,
    resume_schedule,
)
