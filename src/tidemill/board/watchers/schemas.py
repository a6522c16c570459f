"""How watchers look on the wire."""

from __future__ import annotations

from typing import Self

from tidemill.board.watchers.models import Watcher
from tidemill.http import PageView, View


class WatcherView(View, frozen=True, kw_only=True):
    """A member who hears of an item."""

    id: str
    name: str
    avatar: str | None

    @classmethod
    def of(cls, watcher: Watcher) -> Self:
        """Return the view of `watcher`."""
        return cls(id=watcher.id, name=watcher.name, avatar=watcher.avatar)


class WatcherPage(PageView, frozen=True, kw_only=True):
    """A part of the watchers of an item, by their ids."""

    items: list[WatcherView]
