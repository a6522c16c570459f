"""`Settings`: what features read, kept current by the control store's changes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from tidemill.core.actor import Actor
from tidemill.core.config import Given, Layers
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Change, Database, Invalidations, Tx
from tidemill.settings.live.models import LiveValues
from tidemill.settings.values.models import StoredValue, stored_values
from tidemill.settings.values.repository import SettingRepository
from tidemill.settings.values.service import (
    CHANGE_KIND,
    log_ignored,
    stored_for_installation,
)

log = structlog.get_logger(__name__)

_cached_max: Final = 10_000
_retry_seconds: Final = 0.5
_trusted_seconds_max: Final = 5.0

_Stored = dict[str, list[Given]]


class LiveSettings:
    """See `Settings`. The installation's values are always here, others are read when asked."""

    def __init__(self, control: Database, layers: Layers, invalidations: Invalidations) -> None:
        self._control = control
        self._values = LiveValues(layers)
        self._invalidations = invalidations
        self._repository = SettingRepository()
        self._cache: OrderedDict[tuple[TenantId, str], _Stored] = OrderedDict()
        # Raised by every change, so that a read that began before one is not kept after it.
        self._generation = 0
        self._stale = asyncio.Event()
        self._listeners: list[Callable[[Mapping[str, Any]], None]] = []
        self._task: asyncio.Task[None] | None = None
        invalidations.on_change(CHANGE_KIND, self._on_change)
        invalidations.on_reset(self._on_reset)

    async def start(self) -> None:
        """Read the installation's values and follow them."""
        await self._reload()
        self._task = asyncio.create_task(self._follow(), name="settings")

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def get(self, key: str) -> Any:
        """See `Settings.get`."""
        return self._values.get(key)

    async def get_for(self, key: str, actor: Actor) -> Any:
        """See `Settings.get_for`."""
        if actor.tenant_id == INSTALLATION:
            return self._values.get(key)
        stored = await self._stored_for(actor.tenant_id, actor.user_id or "")
        return self._values.resolved_for(key, stored.get(key, ()))

    def on_change(self, key: str, handler: Callable[[Any], None]) -> None:
        """See `Settings.on_change`."""
        self._values.on_change(key, handler)

    def stored(self) -> Mapping[str, Any]:
        """See `Settings.stored`."""
        return self._values.stored()

    def on_stored(self, handler: Callable[[Mapping[str, Any]], None]) -> None:
        """See `Settings.on_stored`."""
        self._listeners.append(handler)

    async def _stored_for(self, tenant_id: TenantId, user_id: str) -> _Stored:
        place = (tenant_id, user_id)
        cached = self._cache.get(place)
        if cached is not None and self._invalidations.age_seconds() <= _trusted_seconds_max:
            self._cache.move_to_end(place)
            return cached
        generation = self._generation

        def use_case(tx: Tx) -> Sequence[StoredValue]:
            return self._repository.of(tx, user_id)

        rows = await self._control.read(tenant_id, use_case)
        stored = stored_values(rows, installation=False, ignored=log_ignored)
        if generation == self._generation:
            self._cache[place] = stored
            if len(self._cache) > _cached_max:
                self._cache.popitem(last=False)
        return stored

    def _on_change(self, change: Change) -> None:
        self._generation += 1
        if change.tenant_id == INSTALLATION:
            self._stale.set()
            return
        for place in [place for place in self._cache if place[0] == change.tenant_id]:
            del self._cache[place]

    def _on_reset(self) -> None:
        self._generation += 1
        self._cache.clear()
        self._stale.set()

    async def _follow(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self._reload()
            except Exception as error:  # noqa: BLE001 - the follower must outlive any failure
                log.warning("settings.unreachable", reason=_reason(error))
                await asyncio.sleep(_retry_seconds)
                self._stale.set()

    async def _reload(self) -> None:
        stored = await self._control.read(INSTALLATION, stored_for_installation)
        before = self._values.stored()
        for failure in self._values.apply(stored):
            log.error("settings.listener.failed", exc_info=failure)
        if self._values.stored() != before:
            self._tell_listeners()

    def _tell_listeners(self) -> None:
        for listener in self._listeners:
            try:
                listener(self._values.stored())
            except Exception:
                log.exception("settings.listener.failed")


def _reason(error: Exception) -> str:
    return error.code if isinstance(error, TidemillError) else repr(error)
