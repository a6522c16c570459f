"""Tells senders that a tenant has something to send, in this process or in another."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import structlog

from tidemill.automation.sending.service import Sending
from tidemill.automation.webhooks.service import Wake
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Ephemeral, EventBus, StoreKind
from tidemill.events import Progress

log = structlog.get_logger(__name__)

_TYPE: Final = "WebhooksDue"


class WebhookDrain:
    """Wakes a sender for a store that has just become busy, and arranges before it is quiet.

    A store counts as undelivered until it is settled: what was planned before a crash is looked
    for after it, and what has to wait longer has its mark by then.
    """

    name: Final = "webhooks"
    kinds: Final = frozenset({StoreKind.TENANT})
    delay_seconds: Final = 0.2

    def __init__(self, sending: Sending, wake: Wake) -> None:
        self._sending = sending
        self._wake = wake
        self._busy: set[TenantId] = set()

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        """Wake the sender, once for each time that the store is busy."""
        del kind
        if tenant_id not in self._busy:
            self._busy.add(tenant_id)
            self._wake(tenant_id)
        return Progress()

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Mark what waits."""
        del kind
        await self._sending.arrange(tenant_id)
        self._busy.discard(tenant_id)


class Announcer:
    """Wakes the senders of other processes, where this one has none; one may be lost."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._due: set[TenantId] = set()
        self._task: asyncio.Task[None] | None = None

    def wake(self, tenant_id: TenantId) -> None:
        """Say soon that the tenant has something to send."""
        self._due.add(tenant_id)
        if self._task is None:
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._due:
                data = msgspec.Raw(msgspec.json.encode(self._due.pop()))
                update = Ephemeral(tenant_id=INSTALLATION, topics=(), type=_TYPE, data=data)
                await self._bus.broadcast(update)
        except Exception as error:  # noqa: BLE001 - a mark brings it up again
            log.debug("webhooks.announcement.lost", reason=str(error))
        finally:
            self._task = None


def hear(wake: Wake, update: Ephemeral) -> None:
    """Wake this process's sender when `update` says that a tenant has something to send."""
    if update.type == _TYPE:
        wake(TenantId(msgspec.json.decode(update.data, type=str)))
