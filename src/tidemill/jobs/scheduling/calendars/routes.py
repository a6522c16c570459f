"""HTTP of calendars."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Tagged, composed, delete, get, put
from tidemill.jobs.permissions import READ_SCHEDULES, WRITE_SCHEDULES
from tidemill.jobs.scheduling.calendars.schemas import CalendarPage, CalendarView, PutCalendar
from tidemill.jobs.scheduling.calendars.service import CalendarService


@get("/calendars", READ_SCHEDULES)
async def list_calendars(
    page: PageRequest, actor: Actor, calendars: CalendarService
) -> CalendarPage:
    """List the tenant's own calendars by name."""
    found = await calendars.list(page, actor=actor)
    return CalendarPage(
        items=[CalendarView.of(calendar) for calendar in found.items],
        next_cursor=found.next_cursor,
    )


@get("/calendars/{name:str}", READ_SCHEDULES)
async def get_calendar(
    name: str, actor: Actor, calendars: CalendarService, request: Request[Any, Any, Any]
) -> Tagged[CalendarView]:
    """Read a calendar."""
    calendar = await calendars.get(name, actor=actor)
    return composed(
        CalendarView.of(calendar),
        version=calendar.version,
        request=request,
        born=calendar.created_at,
    )


@put("/calendars/{name:str}", WRITE_SCHEDULES)
async def put_calendar(
    *,
    name: str,
    data: PutCalendar,
    actor: Actor,
    expected_version: int | None,
    calendars: CalendarService,
    request: Request[Any, Any, Any],
) -> Tagged[CalendarView]:
    """Make a calendar, or change its days; schedules that run by it follow at once."""
    calendar = await calendars.put(name, data.rule, expected_version=expected_version, actor=actor)
    return composed(
        CalendarView.of(calendar),
        version=calendar.version,
        request=request,
        born=calendar.created_at,
    )


@delete("/calendars/{name:str}", WRITE_SCHEDULES)
async def delete_calendar(
    name: str, actor: Actor, expected_version: int | None, calendars: CalendarService
) -> None:
    """Delete a calendar by which no schedule runs."""
    await calendars.delete(name, expected_version=expected_version, actor=actor)


ROUTES = (list_calendars, get_calendar, put_calendar, delete_calendar)
