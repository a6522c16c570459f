"""Calls whoever listens to the stores, so that no listener's mistake reaches a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ParamSpec

import structlog

P = ParamSpec("P")

_log = structlog.get_logger(__name__)


def tell(listeners: Iterable[Callable[P, None]], /, *arguments: P.args, **named: P.kwargs) -> None:
    """Call each of `listeners`; a failure is logged, since what they hear of stands."""
    for listener in listeners:
        try:
            listener(*arguments, **named)
        except Exception:  # noqa: BLE001 - one listener must not starve the others, nor fail a write
            _log.exception("stores.listener.failed")
