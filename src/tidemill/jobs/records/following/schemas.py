"""Server-sent events of a job."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from tidemill.jobs.queueing.queue.schemas import JobView, ResultView
from tidemill.jobs.records.following.models import Created, Ended, Event
from tidemill.jobs.records.progress.models import Progress
from tidemill.jobs.records.progress.schemas import ProgressView


class JobDetail(JobView, frozen=True, kw_only=True):
    """A job, with what it has said of itself.

    `result` is shown to those who started it and waited for its end.
    """

    result: Any = None
    progress: ProgressView | None = None
    metrics: dict[str, float] | None = None


async def encoded(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Yield events as they go over the wire."""
    async for event in events:
        yield _encoded(event)


def _encoded(event: Event) -> bytes:
    body: object
    match event:
        case Created():
            name, body = "job", JobDetail.of(event.job)
        case Ended():
            name, body = "result", ResultView.of(event.job)
        case Progress():
            name, body = "progress", ProgressView.of(event)
        case _:
            name = "log"
            body = {"execution": event.execution, "offset": event.offset, "text": event.text}
    data = msgspec.json.encode(body).decode()
    return f"event: {name}\ndata: {data}\n\n".encode()
