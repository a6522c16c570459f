"""Who hears of an item."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class WatchState(StrEnum):
    """What somebody asked for; it counts more than what one hears as creator or assignee."""

    WATCHING = "watching"
    MUTED = "muted"


class Watcher(Struct, frozen=True):
    """An active member who hears of an item."""

    id: str
    name: str
    avatar: str | None
