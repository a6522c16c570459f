"""Tells dispatchers in other processes that jobs are ready, over the event bus."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import structlog

from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Ephemeral, EventBus
from tidemill.jobs.queueing.queue.signals import Signals

log = structlog.get_logger(__name__)

announce_seconds_min: Final = 0.001
announce_seconds_max: Final = 0.005
"""Whatever is enqueued within this time shares one announcement when many come."""
_TYPE: Final = "JobsReady"


class Announcer:
    """Announces the earliest instant at which a new job is due.

    The first job is announced at once; what comes within a moment after that shares the next
    announcement, and the moment grows as long as something always does. One may be lost:
    dispatchers look by themselves.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._due_at: int | None = None
        self._task: asyncio.Task[None] | None = None

    def announce(self, due_at: int) -> None:
        """Say soon that a job is due at `due_at`."""
        self._due_at = due_at if self._due_at is None else min(due_at, self._due_at)
        if self._task is None:
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        seconds = announce_seconds_min
        try:
            while self._due_at is not None:
                due_at, self._due_at = self._due_at, None
                try:
                    await self._bus.broadcast(announcement(due_at))
                except Exception as error:  # noqa: BLE001 - the dispatchers' own look comes soon
                    log.debug("jobs.announcement.lost", reason=str(error))
                await asyncio.sleep(seconds)
                seconds = min(2 * seconds, announce_seconds_max)
        finally:
            self._task = None


def announcement(due_at: int) -> Ephemeral:
    """Return what tells dispatchers that a job is due at `due_at`."""
    data = msgspec.Raw(msgspec.json.encode(due_at))
    return Ephemeral(tenant_id=INSTALLATION, topics=(), type=_TYPE, data=data)


def hear(signals: Signals, update: Ephemeral) -> None:
    """Wake this process's dispatcher when `update` announces jobs."""
    if update.type == _TYPE:
        signals.ready(msgspec.json.decode(update.data, type=int))
