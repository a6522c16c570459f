"""Is it alive, is it ready, and what do the figures say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from litestar import Response

from tidemill.http.bodies import View
from tidemill.http.routing import Public, get

Checks = Mapping[str, Callable[[], Awaitable[str | None]]]
"""Each part's check: None when it works, else one sentence that says what is wrong."""

_PROBE: Final = Public(reason="Load balancers and humans ask before they have a credential.")
_ROOT: Final = {"root": True}


class PartState(View, frozen=True, kw_only=True):
    """One part of the process, and why it does not work, if so.

    Without a part that is not `vital` requests still succeed.
    """

    name: str
    ready: bool
    vital: bool = True
    reason: str | None = None


class ReadyView(View, frozen=True, kw_only=True):
    """Whether this process can serve, which only its vital parts decide, and each part."""

    ready: bool
    parts: list[PartState]


class HealthChecks:
    """The checks of this process."""

    def __init__(self, checks: Checks, optional: frozenset[str] = frozenset()) -> None:
        self._checks = checks
        self._optional = optional

    async def run(self) -> ReadyView:
        """Ask every part, all at once."""
        reasons = await asyncio.gather(*(check() for check in self._checks.values()))
        parts = [
            PartState(
                name=name, ready=reason is None, vital=name not in self._optional, reason=reason
            )
            for name, reason in zip(self._checks, reasons, strict=True)
        ]
        return ReadyView(ready=all(part.ready or not part.vital for part in parts), parts=parts)


class MetricsText:
    """Renders the figures of this process in Prometheus' text format."""

    def __init__(self, render: Callable[[], bytes]) -> None:
        self.render = render


@get("/health", _PROBE, opt=_ROOT, media_type="text/plain", errors=())
async def health() -> str:
    """Answer `OK` while the process serves."""
    return "OK"


@get("/live", _PROBE, opt=_ROOT, media_type="text/plain", errors=())
async def live() -> str:
    """Answer `OK` while the event loop turns; restart the process when it does not."""
    return "OK"


@get("/ready", _PROBE, opt=_ROOT, errors=())
async def ready(health_checks: HealthChecks) -> Response[ReadyView]:
    """Answer 200 when every vital part works, else 503; with the reason of each that does not."""
    view = await health_checks.run()
    return Response(view, status_code=200 if view.ready else 503)


@get("/metrics", _PROBE, opt=_ROOT, errors=(), include_in_schema=False)
async def metrics(metrics_text: MetricsText) -> Response[bytes]:
    """Answer the figures of this process."""
    return Response(metrics_text.render(), media_type="text/plain; version=0.0.4")


ROUTES: Final[list[Any]] = [health, live, ready, metrics]
