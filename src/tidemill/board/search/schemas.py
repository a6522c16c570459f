"""How findings look on the wire."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from tidemill.board.search.models import Fit
from tidemill.board.search.service import Found
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.schemas import WorkItemView
from tidemill.http import View


class Match(StrEnum):
    """In what way an item fits."""

    KEY = "key"
    TITLE = "title"
    WORDS = "words"
    COMMENT = "comment"
    SIMILAR = "similar"


class FoundItem(View, frozen=True, kw_only=True):
    """An item and in what way it fits."""

    match: Match
    item: WorkItemView

    @classmethod
    def of(cls, fit: Fit, item: WorkItem) -> Self:
        """Return the view of `item`."""
        return cls(match=Match[fit.name], item=WorkItemView.of(item))


class SearchView(View, frozen=True, kw_only=True):
    """What fits best, best first; `has_more` says that narrower words would help."""

    items: list[FoundItem]
    has_more: bool

    @classmethod
    def of(cls, found: Found) -> Self:
        """Return the view of what was found."""
        items = [FoundItem.of(fit, item) for fit, item in found.hits]
        return cls(items=items, has_more=found.has_more)
