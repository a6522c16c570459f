"""Traces as the engine sees them: a span begins, knows how others go on from it, and ends.

Nothing is traced until a process installs a tracer; then every caller goes on as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, Protocol

Attributes = Mapping[str, str | int]
NO_ATTRIBUTES: Final[Attributes] = {}


class SpanKind(Enum):
    """Which side of a request or of a queue a span is on."""

    SERVER = "server"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Protocol):
    """Something that takes its time."""

    @property
    def traceparent(self) -> str | None:
        """Return the W3C `traceparent` under which others go on from here.

        It is `None` where nobody listens: the program has loaded what traces, and not set it up.
        """
        ...

    def enter(self) -> None:
        """Let what the present context does from now on be within this span."""
        ...

    def rename(self, name: str) -> None:
        """Give it the name that was not known when it began."""
        ...

    def end(self, attributes: Attributes = NO_ATTRIBUTES, *, error: str | None = None) -> None:
        """Say that it is over, and how; only the first time counts."""
        ...


class Tracer(Protocol):
    """Makes spans."""

    def start(self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes) -> Span:
        """Begin a span below `parent`, a `traceparent`, or else below the present context's."""
        ...


class _Installed:
    tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Let this process be traced by `tracer`, or by nobody."""
    _Installed.tracer = tracer


def tracer() -> Tracer | None:
    """Return what traces this process, if anything does."""
    return _Installed.tracer
