"""Bodies of functions."""

from __future__ import annotations

from typing import Any, Self

import msgspec

from tidemill.http import PageView, View
from tidemill.jobs.limits.models import Limits, limits_of
from tidemill.jobs.protocol.messages import RegisteredFunction


class FunctionView(View, frozen=True, kw_only=True):
    """A function that workers have registered.

    `schema` describes its arguments, `limits` hold for its jobs.
    """

    name: str
    schema: dict[str, Any]
    tag: str | None
    priority: int
    attempts_max: int | None
    timeout_seconds: int | None
    limits: Limits | None

    @classmethod
    def of(cls, function: RegisteredFunction) -> Self:
        """Return the view of `function`."""
        return cls(
            name=function.name,
            schema=msgspec.json.decode(function.schema),
            tag=function.tag,
            priority=function.priority,
            attempts_max=function.attempts_max,
            timeout_seconds=function.timeout_seconds,
            limits=None if function.limits is None else limits_of(function.limits),
        )


class FunctionPage(PageView, frozen=True, kw_only=True):
    """A part of the list of functions, by name."""

    items: list[FunctionView]
