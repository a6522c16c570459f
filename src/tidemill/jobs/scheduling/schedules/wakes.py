"""Tells the process that fires schedules that one of them has to be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Ephemeral, EventBus

log = structlog.get_logger(__name__)

announce_seconds: Final = 0.005
"""All changes within this time share one announcement."""
_TYPE: Final = "SchedulesWoken"
_NOTHING: Final = msgspec.Raw(b"null")


class Wakes:
    """Wakes the scheduler of this process, and those of others over the event bus.

    An announcement may be lost: the scheduler looks by itself every few seconds.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._handlers: list[Callable[[], None]] = []
        self._leads: Callable[[], bool] = _never
        self._task: asyncio.Task[None] | None = None

    def on_wake(
        self, handler: Callable[[], None], *, leads: Callable[[], bool] = lambda: True
    ) -> None:
        """Call `handler` when a schedule has to be looked at; `leads` says whether it does that."""
        self._handlers.append(handler)
        self._leads = leads

    def wake(self) -> None:
        """Say that a schedule has to be looked at."""
        for handler in self._handlers:
            handler()
        if not self._leads() and self._task is None:
            self._task = asyncio.create_task(self._announce())

    def hear(self, update: Ephemeral) -> None:
        """Wake this process's scheduler when `update` says so."""
        if update.type == _TYPE:
            for handler in self._handlers:
                handler()

    async def _announce(self) -> None:
        await asyncio.sleep(announce_seconds)
        self._task = None
        try:
            await self._bus.broadcast(
                Ephemeral(tenant_id=INSTALLATION, topics=(), type=_TYPE, data=_NOTHING)
            )
        except Exception as error:  # noqa: BLE001 - the scheduler looks by itself all the same
            log.debug("schedules.announcement.lost", reason=str(error))


def _never() -> bool:
    return False
