"""Sends what waits: woken by commits, and by marks that are due."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from tidemill.automation.contract import WebhookId
from tidemill.automation.sending.places import Places
from tidemill.automation.sending.service import Attempt, Parcel, Sending
from tidemill.automation.webhooks.signing import signed_headers
from tidemill.core.calls import Caller
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock
from tidemill.core.errors import TidemillError
from tidemill.core.ids import TenantId

log = structlog.get_logger(__name__)

look_seconds: Final = 5.0
row_seconds_max: Final = 2.0
"""How long one webhook sends before others have their turn; of a slow one that is one delivery."""
stop_seconds_max: Final = 3.0
Key = tuple[TenantId, WebhookId]
_HEADERS: Final = {"content-type": "application/json", "user-agent": "tidemill-webhooks"}


class Sender:
    """A service: for each webhook one parcel after the other, and many webhooks at once."""

    def __init__(
        self, sending: Sending, caller: Caller, clock: Clock, *, holder: str, at_once_max: int
    ) -> None:
        self._sending = sending
        self._caller = caller
        self._clock = clock
        self._holder = holder
        self._places = Places(at_once_max)
        self._looking: asyncio.Task[None] | None = None
        self._stopping = False
        self._turns: dict[TenantId, asyncio.Task[None]] = {}
        self._woken: set[TenantId] = set()
        self._streams: dict[Key, asyncio.Task[None]] = {}
        self._again: set[Key] = set()
        self.delivered = 0
        self.failed = 0

    async def start(self) -> None:
        """Begin with what an earlier process left."""
        self._looking = asyncio.create_task(self._look(), name="webhooks")

    async def stop(self) -> None:
        """Finish the attempts that run, within three seconds; others are made again later."""
        looking, self._looking = self._looking, None
        if looking is None:
            return
        self._stopping = True
        looking.cancel()
        await asyncio.gather(looking, *self._turns.values(), return_exceptions=True)
        streams = list(self._streams.values())
        if streams:
            await asyncio.wait(streams, timeout=stop_seconds_max)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)

    def wake(self, tenant_id: TenantId) -> None:
        """Send soon what the tenant has waiting."""
        if self._looking is None:
            return
        self._woken.add(tenant_id)
        if tenant_id not in self._turns:
            self._turns[tenant_id] = asyncio.create_task(self._serve(tenant_id))

    async def look(self) -> None:
        """Serve the tenants whose marks are due."""
        for tenant_id in await self._sending.tenants_due():
            try:
                await self._sending.prune(tenant_id)
                self.wake(tenant_id)
                await self._sending.arrange(tenant_id)
            except TidemillError as error:
                # Its store is away or suspended; others must not wait for it.
                log.warning("webhooks.tenant.failed", tenant_id=tenant_id, reason=error.message)
                await self._sending.postpone(tenant_id)
            except Exception:
                log.exception("webhooks.tenant.broke", tenant_id=tenant_id)
                await self._sending.postpone(tenant_id)

    async def begin(self, tenant_id: TenantId) -> list[asyncio.Task[None]]:
        """Begin to send what is due for a tenant now; return what is under way."""
        keys = [(tenant_id, webhook_id) for webhook_id in await self._sending.due(tenant_id)]
        for key in keys:
            if key in self._streams:
                self._again.add(key)
            else:
                self._streams[key] = asyncio.create_task(self._stream(key))
        return [self._streams[key] for key in keys]

    async def _serve(self, tenant_id: TenantId) -> None:
        try:
            while tenant_id in self._woken:
                self._woken.discard(tenant_id)
                await self.begin(tenant_id)
        except TidemillError as error:
            # Its mark, or the next commit, brings it up again.
            log.warning("webhooks.turn.failed", tenant_id=tenant_id, reason=error.message)
        except Exception:
            log.exception("webhooks.turn.broke", tenant_id=tenant_id)
        finally:
            del self._turns[tenant_id]

    async def _stream(self, key: Key) -> None:
        is_more = False
        try:
            async with self._places.of(key[0]):
                is_more = await self._send_some(key)
        except TidemillError as error:
            log.warning("webhooks.sending.failed", webhook_id=key[1], reason=error.message)
        except Exception:
            log.exception("webhooks.sending.broke", webhook_id=key[1])
        finally:
            del self._streams[key]
        if is_more or key in self._again:
            self._again.discard(key)
            self.wake(key[0])

    async def _send_some(self, key: Key) -> bool:
        """Send parcels one by one; return whether others shall have their turn before the rest."""
        tenant_id, webhook_id = key
        stop_at = time.monotonic() + row_seconds_max
        parcel = await self._sending.next_parcel(tenant_id, webhook_id, self._holder)
        try:
            while parcel is not None and time.monotonic() < stop_at and not self._stopping:
                done = await self._send(parcel)
                parcel = await self._sending.next_parcel(tenant_id, webhook_id, self._holder, done)
        except asyncio.CancelledError:
            # Nobody else waits for the end of the lease: this process ends.
            await self._sending.release(tenant_id, webhook_id, self._holder)
            raise
        if parcel is None:
            return False
        await self._sending.release(tenant_id, webhook_id, self._holder)
        return True

    async def _send(self, parcel: Parcel) -> Attempt:
        started_at, began = self._clock.now(), time.monotonic()
        body = parcel.body.encode()
        signed = signed_headers(
            parcel.delivery_id,
            body,
            parcel.secrets,
            at_seconds=started_at // MICROSECONDS_PER_SECOND,
        )
        answer = await self._caller.post(parcel.url, {**_HEADERS, **signed}, body)
        attempt = Attempt(
            parcel=parcel,
            answer=answer,
            started_at=started_at,
            duration_ms=round((time.monotonic() - began) * 1000),
        )
        self.delivered += attempt.succeeded
        self.failed += not attempt.succeeded
        return attempt

    async def _look(self) -> None:
        while True:
            try:
                await self.look()
            except TidemillError as error:
                log.warning("webhooks.look.failed", reason=error.message)
            except Exception:
                log.exception("webhooks.look.broke")
            await asyncio.sleep(look_seconds)
