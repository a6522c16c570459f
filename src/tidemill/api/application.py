"""The application of a process: its modules behind one ASGI app.

Production and tests open it the same way.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Final, TypeVar, cast
from urllib.parse import urlsplit

from litestar import Litestar
from litestar.types import ASGIApp
from msgspec import Struct

from tidemill.api.app import ApiOptions, Probes, create_app
from tidemill.core.clock import Clock
from tidemill.core.config import Config
from tidemill.core.figures import gauge
from tidemill.core.module import Port
from tidemill.events import LIVE_CONNECTIONS
from tidemill.http.authentication import AUTHENTICATOR, Kit
from tidemill.http.figures import figures_of
from tidemill.identity import OWNER_SETUP
from tidemill.runtime.adapters import DatabaseOptions
from tidemill.runtime.process import Process, open_process
from tidemill.settings import SETTINGS, Settings

T = TypeVar("T")

_TLS: Final = "https"


class Application(Struct, frozen=True, kw_only=True):
    """An open application; `asgi` answers while the block of `open_application` lasts."""

    process: Process
    asgi: ASGIApp
    litestar: Litestar

    @property
    def config(self) -> Config:
        """What the process was started with."""
        return self.process.config

    async def close_streams(self) -> None:
        """Answer whoever waits with what there is, and close every live connection."""
        for offer in self.process.composition.all:
            for end_waits in offer.end_waits:
                end_waits()
        await filled(self.process, LIVE_CONNECTIONS).close_all()

    async def owner_link(self) -> str | None:
        """Return a fresh one-time link that makes the first owner, or None when there is one."""
        return await filled(self.process, OWNER_SETUP).link()

    async def owner_link_missed(self) -> None:
        """Wait until somebody on this machine looks for the link."""
        await filled(self.process, OWNER_SETUP).link_missed()


@contextlib.asynccontextmanager
async def open_application(
    config: Config, *, clock: Clock | None = None, database: DatabaseOptions | None = None
) -> AsyncIterator[Application]:
    """Open the process and put HTTP in front; see `open_process` for `database` and errors."""
    async with open_process(config, role="api", clock=clock, database=database) as process:
        kit = _kit(process)
        for figure in figures_of(kit.refused):
            process.metrics.add(figure)
        edge, litestar = create_app(
            process.composition.all,
            kit,
            _api_options(config),
            Probes(
                checks=process.health.checks(),
                optional=process.health.optional,
                render_metrics=process.metrics.render,
                observe=process.observe_request,
            ),
        )
        process.metrics.pull(
            "tidemill_http_requests_in_flight",
            "Requests that are being answered now.",
            gauge(lambda: edge.in_flight),
        )
        yield Application(process=process, asgi=edge, litestar=litestar)


def filled(process: Process, port: Port[T]) -> T:
    """Return what fills `port` in a composed process."""
    return cast("T", process.composition.ports[port])


def _kit(process: Process) -> Kit:
    config = process.config
    limits = _Limits(filled(process, SETTINGS))
    return Kit(
        authenticator=filled(process, AUTHENTICATOR),
        rate_limiter=process.rate_limiter,
        requests_per_minute=lambda: limits.own,
        tenant_requests_per_minute=lambda: limits.tenant,
        secure=urlsplit(config.public_url).scheme == _TLS,
        allowed_origins=frozenset({config.public_url, *_cors_origins(config)}),
    )


class _Limits:
    """The newest limits; they are asked at every request, and change rarely."""

    def __init__(self, settings: Settings) -> None:
        self.own: int = settings.get("limits.requests_per_minute")
        self.tenant: int = settings.get("limits.tenant_requests_per_minute")
        settings.on_change("limits.requests_per_minute", partial(setattr, self, "own"))
        settings.on_change("limits.tenant_requests_per_minute", partial(setattr, self, "tenant"))


def _api_options(config: Config) -> ApiOptions:
    return ApiOptions(
        body_bytes_max=config.limits.body_bytes_max,
        cors_origins=_cors_origins(config),
        trusted_proxies=config.server.trusted_proxies,
        secure=urlsplit(config.public_url).scheme == _TLS,
    )


def _cors_origins(config: Config) -> tuple[str, ...]:
    return config.cors.origins if config.cors.enabled else ()
