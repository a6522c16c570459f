"""HTTP of named queries."""

from __future__ import annotations

from tidemill.board.named_queries.schemas import (
    AskQuery,
    NamedQueryPage,
    NamedQueryView,
    QueryAnswerView,
)
from tidemill.board.named_queries.service import NamedQueryService
from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import get, post


@get("/llm/queries", READ_WORK_ITEMS)
async def list_named_queries(page: PageRequest, named_queries: NamedQueryService) -> NamedQueryPage:
    """List the questions that the board answers to a model."""
    found = named_queries.list(page)
    return NamedQueryPage(
        items=[NamedQueryView.of(query) for query in found.items], next_cursor=found.next_cursor
    )


@post("/llm/queries/{name:str}", READ_WORK_ITEMS, status_code=200)
async def ask_named_query(
    name: str, data: AskQuery, actor: Actor, named_queries: NamedQueryService
) -> QueryAnswerView:
    """Ask one of them; it reads, and changes nothing."""
    answer = await named_queries.run(name, data.parameters, limit=data.limit, actor=actor)
    return QueryAnswerView.of(answer)


ROUTES = (list_named_queries, ask_named_query)
