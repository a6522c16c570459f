"""HTTP of tags."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.clock import rfc3339
from tidemill.core.pages import page_request
from tidemill.http import get, post
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.permissions import PAUSE_TAGS, READ_JOBS
from tidemill.jobs.queueing.strategies.models import checked_tag
from tidemill.jobs.steering.tags.schemas import PauseTag, TagPage, TagView
from tidemill.jobs.steering.tags.service import TagService

Everywhere = Annotated[
    bool,
    QueryParameter(name="everywhere", description="The jobs of all tenants, for operators."),
]


@get("/tags", READ_JOBS)
async def list_tags(
    actor: Actor,
    tags: TagService,
    everywhere: Everywhere = False,
    limit: Limit = None,
    cursor: Cursor = None,
) -> TagPage:
    """List tags with the number of their jobs, which may be half a minute old in a long queue."""
    page = page_request(limit, cursor, f"tags:{everywhere}")
    found, counted_at = await tags.list(page, actor=actor, everywhere=everywhere)
    return TagPage(
        items=[TagView.of(state) for state in found.items],
        next_cursor=found.next_cursor,
        counted_at=rfc3339(counted_at),
    )


@post("/tags/{tag:str}/pause", PAUSE_TAGS, status_code=200)
async def pause_tag(
    tag: str, actor: Actor, tags: TagService, data: PauseTag | None = None
) -> TagView:
    """Hand out no more jobs of a tag; those that run go on, and new ones wait."""
    everywhere = data is not None and data.everywhere
    state = await tags.pause(checked_tag(tag), actor=actor, everywhere=everywhere)
    return TagView.of(state)


@post("/tags/{tag:str}/resume", PAUSE_TAGS, status_code=200)
async def resume_tag(
    tag: str, actor: Actor, tags: TagService, data: PauseTag | None = None
) -> TagView:
    """Hand out jobs of a tag again."""
    everywhere = data is not None and data.everywhere
    state = await tags.resume(checked_tag(tag), actor=actor, everywhere=everywhere)
    return TagView.of(state)


ROUTES = (list_tags, pause_tag, resume_tag)
