"""The drain that shows each tenant's facts to the followers of this process."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.facts import RecordedFact
from tidemill.core.ids import TenantId
from tidemill.core.module import Projection, Reaction
from tidemill.core.ports import StoreKind
from tidemill.events.contract import Progress
from tidemill.events.followers.service import Cursors, types_of
from tidemill.events.stream.service import Stream

log = structlog.get_logger(__name__)

attempts_max: Final = 10
retry_delay_seconds_min: Final = 0.2
retry_delay_seconds_max: Final = 60.0
react_seconds_max: Final = 30.0
turn_seconds_max: Final = 20.0
lease_seconds: Final = 90.0
lease_retry_seconds: Final = 1.0
tenants_remembered_max: Final = 10_000
cursor_lag_max: Final = 500


class FollowerFigures(Struct, frozen=True, kw_only=True):
    """What needs a person: followers that fail now, and facts set aside since the start."""

    blocked: int
    parked: int


class _Trouble(Struct):
    failures: int
    try_at: float


class Followers:
    """Runs projections and reactions; one that fails stops itself, for its tenant alone.

    A projection that fails is tried again for ever: its facts take effect in order, once each.
    A reaction's fact is parked after ten attempts, and the next one goes on.
    """

    name: Final = "followers"
    kinds: Final = frozenset({StoreKind.TENANT})
    delay_seconds: Final = 0.0

    def __init__(self, stream: Stream, cursors: Cursors, *, holder: str) -> None:
        self._stream = stream
        self._cursors = cursors
        self._holder = holder
        self._projections: list[Projection] = []
        self._reactions: list[Reaction] = []
        self._positions: OrderedDict[TenantId, dict[str, int]] = OrderedDict()
        self._troubles: dict[tuple[TenantId, str], _Trouble] = {}
        self._parked = 0

    def add(self, projections: Sequence[Projection], reactions: Sequence[Reaction]) -> None:
        """Run these too. Before the relay starts only."""
        self._projections.extend(projections)
        self._reactions.extend(reactions)

    @property
    def figures(self) -> FollowerFigures:
        """What needs a person."""
        blocked = sum(trouble.failures > 0 for trouble in self._troubles.values())
        return FollowerFigures(blocked=blocked, parked=self._parked)

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        """Show a page of facts to whoever has not seen it."""
        del kind
        positions = await self._positions_of(tenant_id)
        ready = [name for name in positions if self._may_try(tenant_id, name)]
        full = False
        if ready:
            start = min(positions[name] for name in ready)
            facts = await self._stream.after(tenant_id, start)
            full = bool(facts)
            behind = [name for name in ready if facts and positions[name] < facts[-1].seq]
            await self._show(tenant_id, behind, facts)
        return self._progress(tenant_id, more=full)

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Keep how far followers have come that had nothing to do for a long time."""
        del kind
        known = self._positions.pop(tenant_id, None)
        if not known:
            return
        stored = await self._cursors.of(tenant_id)
        idle = {
            name: seq for name, seq in known.items() if seq - stored.get(name, 0) > cursor_lag_max
        }
        if idle:
            await self._cursors.skip(tenant_id, idle)

    async def _positions_of(self, tenant_id: TenantId) -> dict[str, int]:
        positions = self._positions.get(tenant_id)
        if positions is None:
            stored = await self._cursors.of(tenant_id)
            names = [
                *(projection.name for projection in self._projections),
                *(reaction.name for reaction in self._reactions),
            ]
            positions = self._positions[tenant_id] = {name: stored.get(name, 0) for name in names}
            if len(self._positions) > tenants_remembered_max:
                self._positions.popitem(last=False)
        self._positions.move_to_end(tenant_id)
        return positions

    async def _show(
        self, tenant_id: TenantId, names: Sequence[str], facts: Sequence[RecordedFact]
    ) -> None:
        concerned = []
        for projection in self._projections:
            if projection.name in names:
                if await _is_wanted(projection, tenant_id, facts):
                    concerned.append(projection)
                else:
                    self._passed(tenant_id, projection.name, facts[-1].seq)
        await self._project(tenant_id, concerned, facts)
        for reaction in self._reactions:
            if reaction.name in names:
                await self._react(tenant_id, reaction, facts)

    async def _project(
        self,
        tenant_id: TenantId,
        projections: Sequence[Projection],
        facts: Sequence[RecordedFact],
    ) -> bool:
        """Apply `facts`, all or, when one fails, those before it; return whether all were."""
        if not projections:
            return True
        try:
            await self._cursors.apply(tenant_id, projections, facts)
        except Exception as error:  # noqa: BLE001 - whatever a feature raises stays with it
            return await self._project_apart(tenant_id, projections, facts, error)
        for projection in projections:
            self._passed(tenant_id, projection.name, facts[-1].seq)
        return True

    async def _project_apart(
        self,
        tenant_id: TenantId,
        projections: Sequence[Projection],
        facts: Sequence[RecordedFact],
        error: Exception,
    ) -> bool:
        if len(projections) > 1:
            done = [
                await self._project(tenant_id, [projection], facts) for projection in projections
            ]
            return all(done)
        if len(facts) > 1:
            # Half by half towards the fact that fails, so that those before it take effect.
            middle = len(facts) // 2
            first = await self._project(tenant_id, projections, facts[:middle])
            return first and await self._project(tenant_id, projections, facts[middle:])
        self._failed(tenant_id, projections[0].name, facts[0], error)
        return False

    async def _react(
        self, tenant_id: TenantId, reaction: Reaction, facts: Sequence[RecordedFact]
    ) -> None:
        concerning = _concerning(reaction, facts)
        position = self._positions[tenant_id][reaction.name]
        if not any(fact.seq > position for fact in concerning):
            self._passed(tenant_id, reaction.name, facts[-1].seq)
            return
        cursor = await self._cursors.claim(
            tenant_id, reaction.name, holder=self._holder, seconds=lease_seconds
        )
        if cursor is None:
            self._wait(tenant_id, reaction.name, lease_retry_seconds)
            return
        through = cursor
        try:
            through = await self._react_to(
                tenant_id,
                reaction,
                [fact for fact in concerning if fact.seq > cursor],
                through=max(cursor, facts[-1].seq),
            )
        finally:
            await self._cursors.release(
                tenant_id, reaction.name, holder=self._holder, through=through
            )

    async def _react_to(
        self,
        tenant_id: TenantId,
        reaction: Reaction,
        facts: Sequence[RecordedFact],
        *,
        through: int,
    ) -> int:
        """React to each fact; return up to where everything is done."""
        stop_at = time.monotonic() + turn_seconds_max
        for fact in facts:
            if time.monotonic() > stop_at:
                through = fact.seq - 1
                break
            try:
                async with asyncio.timeout(react_seconds_max):
                    await reaction.react(fact)
            except Exception as error:  # noqa: BLE001 - whatever a feature raises stays with it
                if not await self._parked_after(tenant_id, reaction, fact, error):
                    self._positions[tenant_id][reaction.name] = fact.seq - 1
                    return fact.seq - 1
        self._passed(tenant_id, reaction.name, through)
        return through

    async def _parked_after(
        self, tenant_id: TenantId, reaction: Reaction, fact: RecordedFact, error: Exception
    ) -> bool:
        failures = self._failed(tenant_id, reaction.name, fact, error)
        if failures < attempts_max:
            return False
        await self._cursors.park(
            tenant_id, reaction.name, fact, attempts=failures, error=repr(error)
        )
        self._parked += 1
        log.error("follower.fact.parked", follower=reaction.name, tenant_id=tenant_id, seq=fact.seq)
        del self._troubles[(tenant_id, reaction.name)]
        return True

    def _passed(self, tenant_id: TenantId, name: str, seq: int) -> None:
        positions = self._positions[tenant_id]
        positions[name] = max(positions[name], seq)
        self._troubles.pop((tenant_id, name), None)

    def _failed(self, tenant_id: TenantId, name: str, fact: RecordedFact, error: Exception) -> int:
        trouble = self._troubles.setdefault((tenant_id, name), _Trouble(0, 0.0))
        trouble.failures += 1
        delay = min(
            retry_delay_seconds_min * 2 ** min(trouble.failures - 1, 16), retry_delay_seconds_max
        )
        trouble.try_at = time.monotonic() + delay
        log.warning(
            "follower.fact.failed",
            follower=name,
            tenant_id=tenant_id,
            seq=fact.seq,
            type=fact.type,
            failures=trouble.failures,
            retry_after_seconds=delay,
            exc_info=error,
        )
        return trouble.failures

    def _wait(self, tenant_id: TenantId, name: str, seconds: float) -> None:
        trouble = self._troubles.setdefault((tenant_id, name), _Trouble(0, 0.0))
        trouble.try_at = time.monotonic() + seconds

    def _may_try(self, tenant_id: TenantId, name: str) -> bool:
        trouble = self._troubles.get((tenant_id, name))
        return trouble is None or trouble.try_at <= time.monotonic()

    def _progress(self, tenant_id: TenantId, *, more: bool) -> Progress:
        waits = [
            trouble.try_at - time.monotonic()
            for (tenant, _), trouble in self._troubles.items()
            if tenant == tenant_id
        ]
        if more or not waits:
            return Progress(more=more)
        return Progress(retry_after_seconds=max(0.01, min(waits)))


async def _is_wanted(
    projection: Projection, tenant_id: TenantId, facts: Sequence[RecordedFact]
) -> bool:
    if not _concerning(projection, facts):
        return False
    # Asked after the facts were read: whoever begins to want them later wants later facts.
    return projection.wanted is None or await projection.wanted(tenant_id, facts)


def _concerning(
    follower: Projection | Reaction, facts: Sequence[RecordedFact]
) -> list[RecordedFact]:
    types = types_of(follower)
    return [fact for fact in facts if fact.type in types]
