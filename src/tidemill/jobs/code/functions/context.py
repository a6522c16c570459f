"""What a running function knows of its job."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, Protocol

from tidemill.jobs.code.functions.api import JobApi
from tidemill.jobs.protocol.messages import Assignment


class Output(Protocol):
    """Takes what a job prints; called from any thread."""

    def line(self, level: str, text: str) -> None:
        """Append a line."""
        ...

    def text(self, level: str, text: str) -> None:
        """Append text that may be a part of a line."""
        ...


class JobContext:
    """One attempt of one job, as its function sees it.

    >>> job = context.current()
    >>> job.function, job.attempt, job.cancelled
    ('shop.tasks:nightly', 1, False)
    """

    __slots__ = ("_assignment", "_open", "_output", "api", "beat_at", "cancelled", "told_at")

    def __init__(self, assignment: Assignment, open_output: Callable[[], Output]) -> None:
        self.cancelled = False
        """Whether the function shall end."""
        self.beat_at = 0.0
        """When the function said last that it lives, by the monotonic clock; 0 before that."""
        self.told_at = 0.0
        self.api: JobApi | None = None
        self._assignment = assignment
        self._open = open_output
        self._output: Output | None = None

    @property
    def job_id(self) -> str:
        """The id of the job.

        >>> context.current().job_id == context.job_id()
        True
        """
        return self._assignment.job_id

    @property
    def tenant_id(self) -> str:
        """The tenant of the job.

        >>> context.current().tenant_id
        'default'
        """
        return self._assignment.tenant_id

    @property
    def function(self) -> str:
        """The name of the function.

        >>> context.current().function
        'shop.tasks:nightly'
        """
        return self._assignment.content

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1.

        >>> context.current().attempt
        1
        """
        return self._assignment.attempt

    @property
    def work_item_id(self) -> str | None:
        """The work item that the job runs for, if any.

        >>> context.current().work_item_id is None
        True
        """
        return self._assignment.work_item_id

    @property
    def assignment(self) -> Assignment:
        """What the worker was told of the job.

        >>> context.current().assignment.timeout_seconds
        600
        """
        return self._assignment

    @property
    def output(self) -> Output:
        """What takes the lines that the function prints.

        >>> context.current().output.line("INFO", "The tide turns.")
        """
        if self._output is None:
            self._output = self._open()
        return self._output


class JobCancelled(BaseException):
    """The job was cancelled or ran out of time; raised where the function asks.

    Like `asyncio.CancelledError` it passes by `except Exception`. What waits for the result of such
    a job gets `tidemill.JobCancelled`.

    >>> try:
    ...     context.check_cancelled()
    ... except context.JobCancelled:
    ...     raise  # Once what was begun is put away.
    """


class RetryAfter(Exception):
    """A function asks for another attempt after some seconds; attempts count as always.

    It comes within 366 days, however many seconds these are. Raises `TypeError` for what is no
    finite number.

    >>> @tidemill.job(attempts=5)
    ... def land(ship: str, quays: int) -> str:
    ...     if quays == 0:
    ...         raise tidemill.RetryAfter(60, "No quay is free.")
    ...     return f"{ship} has landed."
    >>> land("Anna", quays=0)
    Traceback (most recent call last):
    tidemill.jobs.code.functions.context.RetryAfter: No quay is free.
    """

    def __init__(self, seconds: float, reason: str = "") -> None:
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not number or not math.isfinite(seconds):
            raise TypeError(f"RetryAfter takes a number of seconds, not {seconds!r}.")
        super().__init__(reason or f"Another attempt shall come in {seconds:g} s.")
        self.seconds = seconds


class NotInJob(RuntimeError):
    """A function that a program has called directly asked for its job.

    >>> try:
    ...     context.job_id()
    ... except context.NotInJob:
    ...     print("called directly")
    called directly
    """

    def __init__(self) -> None:
        super().__init__(
            "No job runs here. Ask `context.current()` first: it is None where the function was "
            "called directly."
        )


CURRENT: Final[ContextVar[JobContext | None]] = ContextVar("tidemill job", default=None)


def current() -> JobContext | None:
    """Return the job that runs here, or None where the function was called directly.

    >>> job = context.current()
    >>> "direct" if job is None else job.function
    'shop.tasks:nightly'
    """
    return CURRENT.get()


def job_id() -> str:
    """Return the id of the job; raises `NotInJob`.

    >>> (await tidemill.Jobs().get(context.job_id())).function
    'shop.tasks:nightly'
    """
    return here().job_id


def tenant_id() -> str:
    """Return the tenant of the job; raises `NotInJob`.

    >>> context.tenant_id()
    'default'
    """
    return here().tenant_id


def attempt() -> int:
    """Return which attempt this is, from 1; raises `NotInJob`.

    >>> context.attempt()
    1
    """
    return here().attempt


def work_item_id() -> str | None:
    """Return the work item that the job runs for, if any; raises `NotInJob`.

    >>> context.work_item_id() is None
    True
    """
    return here().work_item_id


def heartbeat() -> None:
    """Say that the function lives; costs nothing, and does nothing outside of a job.

    >>> for ship in ("Anna", "Berta"):
    ...     context.heartbeat()
    """
    job = CURRENT.get()
    if job is not None:
        job.beat_at = time.monotonic()


def is_cancelled() -> bool:
    """Return whether the job shall end: it was cancelled, or is out of time.

    >>> context.is_cancelled()
    False
    """
    job = CURRENT.get()
    return job is not None and job.cancelled


def check_cancelled() -> None:
    """Raise `JobCancelled` when the job shall end; for loops of synchronous functions.

    It ends the function there, and passes by `except Exception`.

    >>> for ship in ("Anna", "Berta"):
    ...     context.check_cancelled()
    """
    if is_cancelled():
        raise JobCancelled


def here() -> JobContext:
    """Return the job that runs here; raises `NotInJob`."""
    job = CURRENT.get()
    if job is None:
        raise NotInJob
    return job
