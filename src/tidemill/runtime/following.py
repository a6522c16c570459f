"""Lets what is set at run time take effect in the parts that only the runtime knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import structlog

from tidemill.infrastructure.observability.logs import LEVELS, set_log_level

log = structlog.get_logger(__name__)


class Followable(Protocol):
    """Settings of a process with a database, or what a worker is told of them."""

    def on_change(self, key: str, handler: Callable[[Any], None]) -> None:
        """See `Settings.on_change`."""
        ...


def follow_settings(settings: Followable) -> None:
    """Follow the keys that concern the process itself; call it before `settings` start."""
    settings.on_change("log.level", _change_log_level)


def _change_log_level(level: str) -> None:
    quieter = LEVELS[level] > LEVELS["info"]
    if not quieter:
        set_log_level(level)
    # Said while it can be read, so that nobody wonders where the lines have gone.
    log.info("log.level.changed", to=level)
    if quieter:
        set_log_level(level)
