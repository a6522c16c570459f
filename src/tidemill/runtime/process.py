"""One process: stores, bus and modules, opened and closed together.

Production and tests open it the same way; `tidemill.api` puts HTTP in front.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from msgspec import Struct

from tidemill import __version__
from tidemill.core.blobs import BLOBS
from tidemill.core.clock import Clock
from tidemill.core.config import Config
from tidemill.core.module import Parts, Periodic, Port
from tidemill.core.ports import EventBus, Mailer, RateLimiter
from tidemill.events import DELIVERY, Delivery
from tidemill.identity import SCOPES, Scopes
from tidemill.infrastructure.blobs import open_blobs
from tidemill.infrastructure.cache import open_rate_limiter
from tidemill.infrastructure.database import DatabaseOptions, Stores, open_stores
from tidemill.infrastructure.mail import FileMailer, SmtpMailer, SmtpServer
from tidemill.infrastructure.messaging.factory import open_bus
from tidemill.infrastructure.observability import Health, LoopLag, Metrics, log_request
from tidemill.runtime.adapters import blob_options, bus_options, database_options
from tidemill.runtime.calls import callers
from tidemill.runtime.catalog import full_catalog
from tidemill.runtime.clock import SystemClock
from tidemill.runtime.compose import Composition, compose
from tidemill.runtime.figures import store_figures
from tidemill.runtime.following import follow_settings
from tidemill.runtime.git import repositories
from tidemill.runtime.job_queues import job_queues
from tidemill.runtime.revision import revision
from tidemill.runtime.services import PeriodicWork, Services, running
from tidemill.runtime.watching import watch
from tidemill.settings import SETTINGS, Settings

look_seconds: Final = 30.0
"""How long a part may be ill before the log tells it, though nobody asks `/ready`."""


class Process(Struct, frozen=True, kw_only=True):
    """An open process; its parts work while the block of `open_process` lasts."""

    config: Config
    stores: Stores
    composition: Composition
    rate_limiter: RateLimiter
    metrics: Metrics
    health: Health

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered, and log it where that is wanted."""
        self.metrics.observe_request(method, route, status, seconds)
        if self.config.log.access:
            log_request(method, route, status, seconds)


@contextlib.asynccontextmanager
async def open_process(
    config: Config,
    *,
    role: str,
    clock: Clock | None = None,
    database: DatabaseOptions | None = None,
) -> AsyncIterator[Process]:
    """Open everything that `config` asks for; close it at the end of the block.

    `database` replaces the options that follow from `config`, for an embedding program that
    shares a database under a schema prefix. Raises `DataDirectoryInUse`, `StoreUnavailable`,
    `MigrationFailed` and `ConfigRefused`.
    """
    clock = clock or SystemClock()
    metrics = Metrics(version=__version__, role=role, revision=revision())
    health = Health()
    stores = await open_stores(database or database_options(config), clock)
    answer_seconds_max = config.redis.answer_ms_max / 1000
    try:
        async with open_rate_limiter(
            config.redis.url, clock, answer_seconds_max=answer_seconds_max
        ) as limiter:
            bus = open_bus(bus_options(config))
            mailer = _mailer(config, clock)
            parts = _parts_maker(config, clock, stores, bus, mailer, limiter)
            blobs = open_blobs(blob_options(config))
            filled = {**job_queues(config), **callers(config), **repositories(config), BLOBS: blobs}
            composition = compose(full_catalog(), parts, filled=filled)
            _introduce(composition)
            watch(health, stores, {"blobs": blobs, "bus": bus, "mail": mailer, "redis": limiter})
            _watch_modules(health, metrics, composition)
            for figure in store_figures(stores):
                metrics.add(figure)
            services = Services(
                [
                    *(service for offer in composition.all for service in offer.services),
                    PeriodicWork(
                        [
                            *(work for offer in composition.all for work in offer.periodic),
                            Periodic(name="health", every_seconds=look_seconds, run=health.look),
                        ]
                    ),
                    LoopLag(metrics),
                ]
            )
            async with running(services):
                yield Process(
                    config=config,
                    stores=stores,
                    composition=composition,
                    rate_limiter=limiter,
                    metrics=metrics,
                    health=health,
                )
    finally:
        await stores.close()


def _parts_maker(
    config: Config,
    clock: Clock,
    stores: Stores,
    bus: EventBus,
    mailer: Mailer,
    limiter: RateLimiter,
) -> Callable[[Mapping[Port[Any], object]], Parts]:
    def make(ports: Mapping[Port[Any], object]) -> Parts:
        return Parts(
            config=config,
            clock=clock,
            control=stores.control,
            jobs=stores.jobs,
            tenants=stores.tenants,
            tenant_stores=stores.tenant_stores,
            wakeups=stores.wakeups,
            invalidations=stores.invalidations,
            bus=bus,
            mailer=mailer,
            rate_limiter=limiter,
            ports=ports,
        )

    return make


def _introduce(composition: Composition) -> None:
    """Show each module what the others offer and only the whole knows."""
    delivery = cast("Delivery", composition.ports[DELIVERY])
    scopes = cast("Scopes", composition.ports[SCOPES])
    for offer in composition.all:
        delivery.follow(offer.projections, offer.reactions)
        scopes.learn(offer.permissions)
    follow_settings(cast("Settings", composition.ports[SETTINGS]))


def _mailer(config: Config, clock: Clock) -> Mailer:
    mail = config.mail
    if not mail.smtp_host:
        directory = Path(mail.directory or Path(config.server.data_dir) / "mail")
        return FileMailer(directory, sender=mail.from_address, clock=clock)
    server = SmtpServer(
        host=mail.smtp_host,
        port=mail.smtp_port,
        security=mail.smtp_security,
        user=mail.smtp_user,
        password=mail.smtp_password,
        seconds_max=mail.send_seconds_max,
    )
    return SmtpMailer(server, sender=mail.from_address, clock=clock)


def _watch_modules(health: Health, metrics: Metrics, composition: Composition) -> None:
    for offer in composition.all:
        for figure in offer.figures:
            metrics.add(figure)
        for check in offer.checks:
            health.add(check.name, check.ask, vital=check.vital)
