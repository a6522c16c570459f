"""HTTP of time entries."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar.connection import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import UNSET

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.errors import InvalidReference
from tidemill.board.permissions import READ_TIME, WRITE_TIME
from tidemill.board.projects.service import ProjectService
from tidemill.board.time_entries.csv import CSV, ENTRY_COLUMNS, csv_lines, entry_row
from tidemill.board.time_entries.schemas import (
    ChangeTimeEntry,
    CreateTimeEntry,
    ItemTimePage,
    TimeEntryPage,
    TimeEntryView,
    TrackedView,
)
from tidemill.board.time_entries.service import TimeEntryService
from tidemill.board.time_tracking.models import (
    NewTimeEntry,
    TimeEntryChanges,
    TimeEntryFilter,
    Tracked,
    is_user_id,
    owner_of,
)
from tidemill.board.versions import Expected
from tidemill.board.work_items.reading.service import ItemReadingService
from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.pages import PageRequest, page_request
from tidemill.http import Idempotency, Tagged, composed, delete, get, patch, post
from tidemill.http.parameters import Cursor, Limit

_since_seconds_max: Final = 2**40

Whose = Annotated[
    str | None, QueryParameter(name="user_id", description="Id of a member, or `me`.")
]
Item = Annotated[
    str | None, QueryParameter(name="work_item_id", description="Id or key of an item.")
]
Project = Annotated[
    str | None, QueryParameter(name="project_id", description="Id or key of a project.")
]
Since = Annotated[
    int | None,
    QueryParameter(
        name="from",
        ge=0,
        le=_since_seconds_max,
        description="Seconds since 1970: entries that began then or later.",
    ),
]
Until = Annotated[
    int | None,
    QueryParameter(
        name="to",
        ge=0,
        le=_since_seconds_max,
        description="Seconds since 1970: entries that began before.",
    ),
]
_EXPORT: Final = ResponseSpec(
    str,
    description="CSV with a line for each entry.",
    media_type="text/csv",
    generate_examples=False,
)


@post("/time-entries", WRITE_TIME)
async def create_time_entry(
    data: CreateTimeEntry,
    actor: Actor,
    idempotency: Idempotency,
    time_entries: TimeEntryService,
    request: Request[Any, Any, Any],
) -> Tagged[TrackedView]:
    """Enter time that was spent on an item."""
    new = NewTimeEntry(
        work_item=data.work_item_id,
        times=data.times,
        description=data.description,
        user_id=data.user_id,
    )
    tracked = await time_entries.create(new, actor=actor, once=idempotency.once(Tracked))
    return tracked_answer(tracked, request)


@get("/time-entries", READ_TIME)
async def list_time_entries(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    time_entries: TimeEntryService,
    item_readings: ItemReadingService,
    projects: ProjectService,
    whose: Whose = None,
    item: Item = None,
    project: Project = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> TimeEntryPage:
    """List time entries, the last begun first."""
    wanted = TimeEntryFilter(
        user_id=asked_user(whose, actor),
        work_item_id=await asked_item(item, item_readings, actor),
        project_id=await asked_project(project, projects, actor),
        since=_instant(since),
        until=_instant(until),
    )
    digest = hashlib.blake2b(msgspec.json.encode(wanted), digest_size=8).hexdigest()
    found = await time_entries.list(wanted, page_request(limit, cursor, digest), actor=actor)
    return TimeEntryPage(
        items=[TimeEntryView.of(entry) for entry in found.items], next_cursor=found.next_cursor
    )


@get(
    "/time-entries/export",
    READ_TIME,
    opt={"stream": True},
    media_type="text/csv",
    responses={200: _EXPORT},
)
async def export_time_entries(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    time_entries: TimeEntryService,
    item_readings: ItemReadingService,
    projects: ProjectService,
    whose: Whose = None,
    item: Item = None,
    project: Project = None,
    since: Since = None,
    until: Until = None,
) -> Stream:
    """Export time entries as CSV, the last begun first; cells that could be formulas are quoted."""
    wanted = TimeEntryFilter(
        user_id=asked_user(whose, actor),
        work_item_id=await asked_item(item, item_readings, actor),
        project_id=await asked_project(project, projects, actor),
        since=_instant(since),
        until=_instant(until),
    )
    pages = time_entries.export(wanted, actor=actor)

    async def text() -> AsyncIterator[bytes]:
        yield csv_lines([ENTRY_COLUMNS])
        async for entries in pages:
            yield csv_lines(map(entry_row, entries))

    return Stream(text(), media_type=CSV)


@get("/time-entries/{entry_id:str}", READ_TIME)
async def get_time_entry(
    entry_id: str, actor: Actor, time_entries: TimeEntryService, request: Request[Any, Any, Any]
) -> Tagged[TrackedView]:
    """Read a time entry, with what it overlaps."""
    return tracked_answer(await time_entries.get(entry_id, actor=actor), request)


@patch("/time-entries/{entry_id:str}", WRITE_TIME)
async def change_time_entry(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    entry_id: str,
    data: ChangeTimeEntry,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    time_entries: TimeEntryService,
    request: Request[Any, Any, Any],
) -> Tagged[TrackedView]:
    """Change fields of a time entry of one's own; admins may change all."""
    tracked = await time_entries.change(
        entry_id,
        TimeEntryChanges(
            times=data.times, work_item=data.work_item_id, description=data.description
        ),
        Expected(
            if_match=expected_version,
            version=None if data.expected_version is UNSET else data.expected_version,
        ),
        actor=actor,
        once=idempotency.once(Tracked),
    )
    return tracked_answer(tracked, request)


@delete("/time-entries/{entry_id:str}", WRITE_TIME)
async def delete_time_entry(
    entry_id: str, actor: Actor, expected_version: int | None, time_entries: TimeEntryService
) -> None:
    """Delete a time entry of one's own; admins may delete all."""
    await time_entries.delete(entry_id, Expected(if_match=expected_version), actor=actor)


@get("/work-items/{item_id:str}/time-entries", READ_TIME)
async def list_time_entries_of_item(
    item_id: str, actor: Actor, page: PageRequest, time_entries: TimeEntryService
) -> ItemTimePage:
    """List what was spent on a work item, the last begun first, with the sum of all of it."""
    found, spent = await time_entries.list_of_item(item_id, page, actor=actor)
    return ItemTimePage(
        items=[TimeEntryView.of(entry) for entry in found.items],
        next_cursor=found.next_cursor,
        spent_seconds=spent,
    )


def tracked_answer(tracked: Tracked, request: Request[Any, Any, Any]) -> Tagged[TrackedView]:
    """Answer one entry with its ETag."""
    return composed(TrackedView.telling(tracked), version=tracked.entry.version, request=request)


def asked_user(user_id: str | None, actor: Actor) -> str | None:
    """Return the id that a filter names; `me` is the actor."""
    if user_id == "me":
        return owner_of(actor)
    if user_id is not None and not is_user_id(user_id):
        raise InvalidReference("user_id", "the id of a member, or me")
    return user_id


async def asked_item(
    reference: str | None, item_readings: ItemReadingService, actor: Actor
) -> WorkItemId | None:
    """Return the id of the item that a filter names."""
    return (await item_readings.get(reference, actor=actor)).id if reference is not None else None


async def asked_project(
    reference: str | None, projects: ProjectService, actor: Actor
) -> ProjectId | None:
    """Return the id of the project that a filter names."""
    return (await projects.get(reference, actor=actor)).id if reference is not None else None


def _instant(seconds: int | None) -> Instant | None:
    return None if seconds is None else Instant(seconds * MICROSECONDS_PER_SECOND)


ROUTES: Final = (
    create_time_entry,
    list_time_entries,
    export_time_entries,
    get_time_entry,
    change_time_entry,
    delete_time_entry,
    list_time_entries_of_item,
)
