"""Is it alive, is it ready, and what do the figures say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from litestar import Response

from tidemill.core.readiness import Checks, ReadyView, readiness
from tidemill.http.routing import Public, get

_PROBE: Final = Public(reason="Load balancers and humans ask before they have a credential.")
_ROOT: Final = {"root": True}


class HealthChecks:
    """The checks of this process."""

    def __init__(self, checks: Checks, optional: frozenset[str] = frozenset()) -> None:
        self._checks = checks
        self._optional = optional

    async def run(self) -> ReadyView:
        """Ask every part, all at once."""
        return await readiness(self._checks, self._optional)


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
    return Response(view, status_code=view.status)


@get("/metrics", _PROBE, opt=_ROOT, errors=(), include_in_schema=False)
async def metrics(metrics_text: MetricsText) -> Response[bytes]:
    """Answer the figures of this process."""
    return Response(metrics_text.render(), media_type="text/plain; version=0.0.4")


ROUTES: Final[list[Any]] = [health, live, ready, metrics]
