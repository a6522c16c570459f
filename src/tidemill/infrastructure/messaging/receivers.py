"""Who in this process wants to hear from the bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
import structlog

from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.messaging.messages import decode_ephemeral, decode_facts

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Receivers:
    """The handlers of one bus; a failing handler stops neither the others nor the bus."""

    shared = True

    def __init__(self) -> None:
        self._facts: list[Callable[[FactBatch], None]] = []
        self._ephemeral: list[Callable[[Ephemeral], None]] = []
        self._gap: list[Callable[[], None]] = []

    def on_facts(self, handler: Callable[[FactBatch], None]) -> None:
        """Call `handler` for each batch that arrives. Before `start` only."""
        self._facts.append(handler)

    def on_ephemeral(self, handler: Callable[[Ephemeral], None]) -> None:
        """Call `handler` for each ephemeral update. Before `start` only."""
        self._ephemeral.append(handler)

    def on_gap(self, handler: Callable[[], None]) -> None:
        """Call `handler` when anything may have been missed."""
        self._gap.append(handler)

    def _received_facts(self, batch: FactBatch) -> None:
        for handler in self._facts:
            _call(handler, batch)

    def _received_ephemeral(self, update: Ephemeral) -> None:
        for handler in self._ephemeral:
            _call(handler, update)

    def _missed_something(self) -> None:
        for handler in self._gap:
            _call(lambda _, handler=handler: handler(), None)  # type: ignore[misc]

    def _received_fact_bytes(self, payload: bytes | str) -> None:
        try:
            batch = decode_facts(payload)
        except msgspec.DecodeError as error:
            # A stranger on the bus, or a newer release. The log has what is ours.
            log.warning("bus.message.unreadable", reason=str(error))
            self._missed_something()
            return
        self._received_facts(batch)

    def _received_ephemeral_bytes(self, payload: bytes | str) -> None:
        try:
            update = decode_ephemeral(payload)
        except msgspec.DecodeError as error:
            log.warning("bus.update.unreadable", reason=str(error))
            return
        self._received_ephemeral(update)


def _call(handler: Callable[[T], None], argument: T) -> None:
    try:
        handler(argument)
    except Exception:
        log.exception("bus.handler.failed")
