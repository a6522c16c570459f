"""What one can do with tags."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock, Instant
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.keysets import after_text
from tidemill.core.operators import Operators, is_operator
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.jobs.control_errors import JobsOperatorNeeded
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.strategies.service import Door
from tidemill.jobs.steering.tags.models import Pauses, TagState, states_of
from tidemill.jobs.steering.tags.repository import TagRepository

counts_kept_seconds_min: Final = 0.5
counts_kept_seconds_max: Final = 30.0
counting_share_max: Final = 0.05
"""What of one reader's time may go into counting; a long queue is counted less often."""
tenants_kept_max: Final = 1_000

_Counts = list[tuple[str, str, int, Instant | None]]


class _Counted(Struct, frozen=True):
    counts: _Counts
    at: Instant
    until: float


class TagService:
    """Use cases of tags. Members pause for their tenant, operators for everybody."""

    def __init__(
        self,
        jobs: Database,
        clock: Clock,
        operators: Operators,
        signals: Signals,
        *,
        door: Door | None = None,
    ) -> None:
        self._database = jobs
        self._clock = clock
        self._operators = operators
        self._signals = signals
        self._door = door
        self._tags = TagRepository()
        self._counted: dict[TenantId, _Counted] = {}
        # One for each tenant, while somebody counts: a long queue holds up nobody else's counts.
        self._counting: WeakValueDictionary[TenantId, asyncio.Lock] = WeakValueDictionary()

    async def list(
        self, page: PageRequest, *, actor: Actor, everywhere: bool = False
    ) -> tuple[Page[TagState], Instant]:
        """Return tags with jobs or a pause, by name, and when their jobs were counted.

        Counts may be as old as `counts_kept_seconds_max`. Operators may ask for all tenants.
        Raises `JobsOperatorNeeded`.
        """
        after = after_text(page) or ""
        tenant_id = actor.tenant_id
        if everywhere:
            await self._check_operator(actor)
            tenant_id = INSTALLATION
        counted = await self._counts(tenant_id)
        states = [
            state
            for state in states_of(counted.counts, await self._pauses(tenant_id))
            if state.tag > after
        ]
        return page_of(states, page, lambda state: (state.tag,)), counted.at

    async def pause(self, tag: str, *, actor: Actor, everywhere: bool = False) -> TagState:
        """Hand out no more jobs of a tag; those that run go on. Safe to repeat.

        Raises `JobsOperatorNeeded`, and `UnknownTag` for one that no job may have.
        """
        if self._door is not None:
            await self._door.check(tag)
        return await self._change(tag, "jobs.tags.pause", actor, everywhere=everywhere)

    async def resume(self, tag: str, *, actor: Actor, everywhere: bool = False) -> TagState:
        """Hand out jobs of a tag again. Safe to repeat. Raises `JobsOperatorNeeded`."""
        return await self._change(tag, "jobs.tags.resume", actor, everywhere=everywhere)

    async def get(self, tag: str, *, actor: Actor) -> TagState:
        """Return what can be said of one tag."""
        counted = await self._counts(actor.tenant_id)
        states = states_of(counted.counts, await self._pauses(actor.tenant_id))
        return next((state for state in states if state.tag == tag), TagState(tag=tag))

    async def _change(self, tag: str, action: str, actor: Actor, *, everywhere: bool) -> TagState:
        if everywhere:
            await self._check_operator(actor)

        def use_case(tx: Tx) -> None:
            change = self._tags.pause if action == "jobs.tags.pause" else self._tags.resume
            if change(tx, tag):
                tx.audit(action, by=actor, resource=f"tag:{tag}")
            tx.after_commit(partial(self._signals.ready, tx.now))

        await self._database.write(INSTALLATION if everywhere else actor.tenant_id, use_case)
        return await self.get(tag, actor=actor)

    async def _check_operator(self, actor: Actor) -> None:
        if not await is_operator(self._operators, actor):
            raise JobsOperatorNeeded

    async def _counts(self, tenant_id: TenantId) -> _Counted:
        async with self._counting.setdefault(tenant_id, asyncio.Lock()):
            began = self._clock.monotonic()
            known = self._counted.get(tenant_id)
            if known is not None and began < known.until:
                return known
            at = self._clock.now()
            everywhere = tenant_id == INSTALLATION
            counts = await self._database.read(
                tenant_id, lambda tx: self._tags.counts(tx, everywhere=everywhere)
            )
            ended = self._clock.monotonic()
            kept = min(
                max((ended - began) / counting_share_max, counts_kept_seconds_min),
                counts_kept_seconds_max,
            )
            if len(self._counted) >= tenants_kept_max:
                self._counted.clear()
            self._counted[tenant_id] = found = _Counted(counts, at, ended + kept)
            return found

    async def _pauses(self, tenant_id: TenantId) -> Pauses:
        everywhere = await self._database.read(INSTALLATION, self._tags.paused)
        if tenant_id == INSTALLATION:
            return Pauses(everywhere=everywhere)
        own = await self._database.read(tenant_id, self._tags.paused)
        return Pauses(own=own, everywhere=everywhere)
