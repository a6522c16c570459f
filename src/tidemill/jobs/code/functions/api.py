"""What a function may ask of whatever runs its job: a server, or the queue of its own program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from tidemill.jobs.protocol.messages import Assignment


class ChildEnd(Struct, frozen=True, kw_only=True):
    """How a child stands: `error` has `type` and `message`."""

    finished: bool
    state: str
    result: Any = None
    error: dict[str, Any] | None = None


class JobApi(Protocol):
    """Asks in the name of one job, on the worker's loop."""

    async def put_progress(self, percent: float, text: str) -> None:
        """Say how far the job is."""
        ...

    async def put_metrics(self, values: Mapping[str, float]) -> None:
        """Give figures of the job."""
        ...

    async def get_state(self, name: str) -> Any:
        """Return what is kept for a function, or None."""
        ...

    async def put_state(self, name: str, value: Any) -> None:
        """Keep a value for the next job of a function."""
        ...

    async def get_variable(self, path: str) -> str:
        """Return the value of a variable or secret."""
        ...

    async def get_resource(self, path: str) -> Any:
        """Return the value of a resource, with what it refers to."""
        ...

    async def start_job(self, fields: Mapping[str, Any]) -> str:
        """Start a child, with the fields of `POST /api/v1/jobs`; return its id."""
        ...

    async def child(self, job_id: str, seconds: float) -> ChildEnd:
        """Return how a child stands once it has ended, or after `seconds`."""
        ...


class Refused(Exception):
    """A request was refused; `code` is the stable one of the API's error.

    >>> try:
    ...     await context.metric_async("ships", float("nan"))
    ... except context.Refused as refused:
    ...     print(refused.status, refused.code)
    422 METRIC_INVALID
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Reach(NamedTuple):
    """How functions reach what runs their jobs: on which loop, and whom each job asks."""

    loop: asyncio.AbstractEventLoop
    api_of: Callable[[Assignment], JobApi]


REACH: Final[ContextVar[Reach | None]] = ContextVar("tidemill reach", default=None)
"""How the functions that begin in this context reach what runs them; set once by the worker."""
