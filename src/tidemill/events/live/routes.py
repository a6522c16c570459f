"""`GET /api/v1/events`: the same stream as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

from litestar.connection import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream as StreamResponse

from tidemill.core.actor import Actor
from tidemill.core.facts import Topic
from tidemill.events.contract import READ_EVENTS
from tidemill.events.live.feed import TENANT_TOPIC
from tidemill.events.live.hub import Hub
from tidemill.events.live.positions import read_position, read_topics
from tidemill.events.live.replays import Replays
from tidemill.events.wire import Format
from tidemill.http import FOR_GUESTS, get

Topics = Annotated[
    list[str] | None,
    QueryParameter(
        name="topics",
        description="What to follow, such as `project:ID`; all of the tenant by default.",
    ),
]
Since = Annotated[
    str | None,
    QueryParameter(
        name="since",
        description="Send what followed first: the `id` of the last event, or its number. "
        "The header `Last-Event-ID` says the same.",
    ),
]
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@get(
    "/events",
    READ_EVENTS,
    summary="Follow what happens",
    tags=["Events"],
    opt={"stream": True, **FOR_GUESTS},
    media_type="text/event-stream",
    responses={
        200: ResponseSpec(
            str,
            description="Facts in the CloudEvents JSON format, as they happen.",
            media_type="text/event-stream",
            generate_examples=False,
        )
    },
)
async def follow_events(
    actor: Actor,
    live_hub: Hub,
    replays: Replays,
    request: Request[Any, Any, Any],
    topics: Topics = None,
    since: Since = None,
) -> StreamResponse:
    """Send facts and updates until the client leaves."""
    wanted = read_topics(topics or ()) or (TENANT_TOPIC,)
    position = read_position(request.headers.get("last-event-id") or since)
    live_hub.check_room(actor)
    await replays.admit(actor, position[0])
    return StreamResponse(
        _events(live_hub, actor, wanted, position),
        media_type="text/event-stream",
        headers=_HEADERS,
    )


ROUTES: Final = (follow_events,)


async def _events(
    hub: Hub, actor: Actor, topics: Sequence[Topic], position: tuple[int | None, str | None]
) -> AsyncIterator[bytes]:
    since, epoch = position
    async with hub.connected(actor, Format.EVENT_STREAM) as connection:
        hub.greet(connection)
        subscribing = asyncio.create_task(
            hub.subscribe(connection, topics, since=since, epoch=epoch)
        )
        try:
            while frames := await connection.next_frames():
                # Asked before the frames go out: a client that lags while it takes them is told
                # so by the next ones.
                is_told = connection.is_lagged
                yield b"".join(frames)
                if is_told:
                    # The client comes back by itself with the id of its last event.
                    return
        finally:
            subscribing.cancel()
            await asyncio.gather(subscribing, return_exceptions=True)
