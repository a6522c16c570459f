"""HTTP of timers."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.board.permissions import READ_TIME, WRITE_TIME
from tidemill.board.time_entries.routes import tracked_answer
from tidemill.board.time_entries.schemas import TimeEntryView, TrackedView
from tidemill.board.time_tracking.models import Tracked
from tidemill.board.timers.schemas import StartTimer, TimerView
from tidemill.board.timers.service import TimerService
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, Tagged, delete, get, post


@get("/timer", READ_TIME)
async def get_timer(actor: Actor, timers: TimerService) -> TimerView:
    """Read one's own timer that runs; `time_entry` is null when none does."""
    entry = await timers.running(actor=actor)
    return TimerView(time_entry=TimeEntryView.of(entry) if entry is not None else None)


@post("/timer", WRITE_TIME)
async def start_timer(
    data: StartTimer,
    actor: Actor,
    idempotency: Idempotency,
    timers: TimerService,
    request: Request[Any, Any, Any],
) -> Tagged[TrackedView]:
    """Start one's timer for an item; the one that runs is stopped, and `stopped_entry` names it."""
    tracked = await timers.start(
        data.work_item_id, data.description, actor=actor, once=idempotency.once(Tracked)
    )
    return tracked_answer(tracked, request)


@post("/timer/stop", WRITE_TIME, status_code=200)
async def stop_timer(
    actor: Actor, idempotency: Idempotency, timers: TimerService, request: Request[Any, Any, Any]
) -> Tagged[TrackedView]:
    """Stop one's timer."""
    return tracked_answer(await timers.stop(actor=actor, once=idempotency.once(Tracked)), request)


@delete("/timer", WRITE_TIME)
async def discard_timer(actor: Actor, timers: TimerService) -> None:
    """Discard one's timer: its entry is deleted."""
    await timers.discard(actor=actor)


ROUTES: Final = (get_timer, start_timer, stop_timer, discard_timer)
