"""How timers look on the wire."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tidemill.board.time_entries.schemas import TimeEntryView
from tidemill.http import Body, View


class StartTimer(Body, frozen=True, kw_only=True):
    """What the time is spent on from now on."""

    work_item_id: Annotated[
        str, Meta(min_length=1, description="The item's id or key.", examples=["TM-1"])
    ]
    description: str | None = None


class TimerView(View, frozen=True, kw_only=True):
    """The caller's entry whose timer runs, or null."""

    time_entry: TimeEntryView | None
