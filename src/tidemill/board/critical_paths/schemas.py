"""How a critical path looks on the wire."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tidemill.board.work_items.schemas import WorkItemView
from tidemill.http import PageView


class CriticalPathPage(PageView, frozen=True, kw_only=True):
    """A part of a critical path, from its first item to its last."""

    length: Annotated[int, Meta(description="How many items the whole path has.")]
    weight: Annotated[
        int, Meta(description="Their points together; an item without points counts as 1.")
    ]
    items: list[WorkItemView]
