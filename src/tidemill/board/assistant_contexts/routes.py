"""HTTP of what an assistant may know."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from tidemill.board.assistant_contexts.models import ContextFilter, ContextType
from tidemill.board.assistant_contexts.schemas import ContextEntryView, ContextPage
from tidemill.board.assistant_contexts.service import AssistantContextService
from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import get
from tidemill.http.parameters import Cursor, Limit

Category = Annotated[
    str | None,
    QueryParameter(
        name="category", max_length=50, description="What it is about, such as work_items."
    ),
]
MinPriority = Annotated[
    int,
    QueryParameter(
        name="min_priority", ge=0, le=100, description="Only entries with at least this priority."
    ),
]


@get("/llm/context", READ_WORK_ITEMS)
async def list_context(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    assistant_contexts: AssistantContextService,
    context_type: ContextType | None = None,
    category: Category = None,
    min_priority: MinPriority = 0,
    limit: Limit = None,
    cursor: Cursor = None,
) -> ContextPage:
    """List what an assistant may know of the board: tables, filters, routes, queries and rules."""
    wanted = ContextFilter(context_type=context_type, category=category, min_priority=min_priority)
    page = page_request(limit, cursor, f"context:{context_type}:{category}:{min_priority}")
    found = await assistant_contexts.list(wanted, page, actor=actor)
    return ContextPage(
        items=[ContextEntryView.of(entry) for entry in found.items], next_cursor=found.next_cursor
    )


ROUTES = (list_context,)
