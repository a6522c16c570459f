"""How the context looks on the wire."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tidemill.board.assistant_contexts.models import ContextEntry, ContextType
from tidemill.http import PageView, View


class ContextEntryView(View, frozen=True, kw_only=True):
    """One thing that an assistant may know."""

    id: str
    context_type: ContextType
    category: Annotated[str, Meta(description="The thing of the board that it is about.")]
    title: str
    content: str
    example_sql: Annotated[
        str | None, Meta(description="What a named query runs; SQL of one's own is not taken.")
    ]
    example_description: str | None
    priority: Annotated[int, Meta(description="0 to 100; what should be read first has the most.")]

    @classmethod
    def of(cls, entry: ContextEntry) -> ContextEntryView:
        """Return the view of an entry."""
        return cls(
            id=entry.id,
            context_type=entry.context_type,
            category=entry.category,
            title=entry.title,
            content=entry.content,
            example_sql=entry.example_sql,
            example_description=entry.example_description,
            priority=entry.priority,
        )


class ContextPage(PageView, frozen=True, kw_only=True):
    """A part of the context."""

    items: list[ContextEntryView]
