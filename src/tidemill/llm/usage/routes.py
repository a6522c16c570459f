"""HTTP of the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.pages import PageRequest, page_request
from tidemill.http import get
from tidemill.http.parameters import Cursor, Limit, instant_of
from tidemill.llm.permissions import READ_USAGE
from tidemill.llm.usage.models import Dimension
from tidemill.llm.usage.schemas import (
    ModelRequestPage,
    ModelRequestView,
    UsageTotalPage,
    UsageTotalView,
)
from tidemill.llm.usage.service import UsageService

By = Annotated[Dimension, QueryParameter(name="by", description="By what sums are taken.")]
Since = Annotated[
    datetime | None, QueryParameter(name="since", description="From this instant on.")
]
Until = Annotated[datetime | None, QueryParameter(name="until", description="Before this instant.")]
_END: Instant = Instant(2**62)


@get("/llm/requests", READ_USAGE)
async def list_llm_requests(
    actor: Actor, llm_usage: UsageService, page: PageRequest
) -> ModelRequestPage:
    """List requests of models with what they used, newest first."""
    found = await llm_usage.list(page, actor=actor)
    return ModelRequestPage(
        items=[ModelRequestView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


@get("/llm/usage", READ_USAGE)
async def get_llm_usage(  # noqa: PLR0913 - one parameter for each filter
    actor: Actor,
    llm_usage: UsageService,
    *,
    by: By = Dimension.MODEL,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> UsageTotalPage:
    """Sum up what requests used by model, provider, user, actor or operation."""
    begin, end = instant_of("since", since), instant_of("until", until)
    digest = f"llm usage {by.value} {begin} {end}"
    found = await llm_usage.totals(
        by,
        page_request(limit, cursor, digest),
        since=Instant(0) if begin is None else begin,
        until=_END if end is None else end,
        actor=actor,
    )
    return UsageTotalPage(
        items=[UsageTotalView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


ROUTES = (list_llm_requests, get_llm_usage)
