"""What one can do with strategies, and the door that jobs come in by."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock
from tidemill.core.ids import INSTALLATION
from tidemill.core.keysets import after_text
from tidemill.core.operators import Operators, is_operator
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.identity import Identity
from tidemill.jobs.queueing.strategies.models import (
    Strategy,
    WorkerRule,
    checked_weights,
)
from tidemill.jobs.queueing.strategies.repository import StrategyRepository, strategies_max
from tidemill.jobs.queueing.workers.models import Worker
from tidemill.jobs.queueing.workers.repository import WorkerRepository
from tidemill.jobs.requirements.models import Requires
from tidemill.jobs.strategy_errors import (
    InvalidStrategy,
    IsolationNotOffered,
    NoWorkerCouldRun,
    RequirementWithoutEffect,
    StrategyInUse,
    StrategyOperatorNeeded,
    UnknownTag,
)


class Told(Struct, frozen=True, kw_only=True):
    """A strategy with the weights that the caller may see; `own` is whether the tag has it."""

    strategy: Strategy
    own: bool
    weights: Mapping[str, int] = {}


class StrategyService:
    """Use cases of strategies. Everybody may read them, operators change them."""

    def __init__(
        self,
        jobs: Database,
        operators: Operators,
        identity: Callable[[], Identity | None] = lambda: None,
    ) -> None:
        """Without an `identity`, as in a program of one's own, tenants are whatever it names."""
        self._database = jobs
        self._operators = operators
        self._identity = identity
        self._strategies = StrategyRepository()

    async def list(self, page: PageRequest) -> Page[Strategy]:
        """Return the strategies of tags that have their own, by tag."""
        after = after_text(page) or ""
        found = await self._database.read(
            INSTALLATION, lambda tx: self._strategies.list(tx, after, page.limit_plus_one)
        )
        return page_of(found, page, lambda strategy: (strategy.tag,))

    async def get(self, tag: str, *, actor: Actor) -> Told:
        """Return how the jobs of a tag are placed; of weights, others see their own only."""

        def use_case(tx: Tx) -> tuple[Strategy | None, dict[str, int]]:
            return self._strategies.find(tx, tag), self._strategies.weights(tx, tag)

        found, weights = await self._database.read(INSTALLATION, use_case)
        if not await is_operator(self._operators, actor):
            weights = {name: weights[name] for name in weights if name == actor.tenant_id}
        return Told(strategy=found or Strategy(tag=tag), own=found is not None, weights=weights)

    async def put(self, strategy: Strategy, weights: Mapping[str, int], *, actor: Actor) -> Told:
        """Keep how the jobs of a tag are placed; dispatchers go by it within a second or two.

        Raises `InvalidStrategy`, `StrategyInUse` and `StrategyOperatorNeeded`.
        """
        await self._check_operator(actor)
        strategy.checked()
        checked_weights(weights, strategy.order)
        identity = self._identity()
        unknown = await identity.unknown_tenants(weights) if identity and weights else ()
        if unknown:
            raise InvalidStrategy(
                f"weights.{unknown[0]}",
                f"left out: no tenant has the id {unknown[0]}, and a name or a slug is none",
            )

        def use_case(tx: Tx) -> None:
            known = self._strategies.find(tx, strategy.tag)
            if known is None and self._strategies.count(tx) >= strategies_max:
                raise InvalidStrategy("tag", f"one of the {strategies_max} that have a strategy")
            if strategy.workers is not WorkerRule.AFFINITY:
                self._check_unasked(tx, strategy.tag, known, affinity=True)
            self._strategies.put(tx, strategy, updated_by=actor.user_id or actor.id)
            before = self._strategies.weights(tx, strategy.tag)
            self._strategies.weigh(tx, strategy.tag, weights)
            tx.audit(
                "jobs.strategies.set",
                by=actor,
                resource=f"tag:{strategy.tag}",
                before=None if known is None else {**_audited(known), "weights": before},
                after={**_audited(strategy), "weights": dict(weights)},
            )

        await self._database.write(INSTALLATION, use_case)
        return Told(strategy=strategy, own=True, weights=dict(weights))

    async def remove(self, tag: str, *, actor: Actor) -> None:
        """Let a tag go the plain way again, with even weights; safe to repeat.

        Raises `StrategyInUse` and `StrategyOperatorNeeded`.
        """
        await self._check_operator(actor)

        def use_case(tx: Tx) -> None:
            known = self._strategies.find(tx, tag)
            if known is None:
                return
            self._check_unasked(tx, tag, known, affinity=False)
            self._strategies.remove(tx, tag)
            self._strategies.weigh(tx, tag, {})
            tx.audit(
                "jobs.strategies.reset", by=actor, resource=f"tag:{tag}", before=_audited(known)
            )

        await self._database.write(INSTALLATION, use_case)

    async def _check_operator(self, actor: Actor) -> None:
        if not await is_operator(self._operators, actor):
            raise StrategyOperatorNeeded

    def _check_unasked(self, tx: Tx, tag: str, known: Strategy | None, *, affinity: bool) -> None:
        """Raise when jobs wait for what would be ignored: of their affinity, or of anything."""
        if known is None:
            return
        by_key, by_need = self._strategies.asked(tx, tag)
        if by_key or (by_need and not affinity):
            raise StrategyInUse(tag)


class _Known(Struct, frozen=True):
    """What the door has read."""

    read_at: float = float("-inf")
    strategies: Mapping[str, Strategy] = {}
    tags: frozenset[str] = frozenset()
    workers: tuple[Worker, ...] = ()


class Door:
    """Refuses jobs that could never run, or that ask for what nobody would look at."""

    def __init__(self, jobs: Database, clock: Clock, tags: Iterable[str] | None) -> None:
        """`tags` are let in always; None lets every tag in."""
        self._database = jobs
        self._clock = clock
        self._always = None if tags is None else frozenset(tags)
        self._known = _Known()
        self._reading = asyncio.Lock()
        self._strategies = StrategyRepository()
        self._workers = WorkerRepository()

    async def check(
        self, tag: str, requires: Requires | None = None, affinity_key: str | None = None
    ) -> None:
        """Return when jobs like this may come in.

        Raises `UnknownTag`, `RequirementWithoutEffect` and `NoWorkerCouldRun`.
        """
        if requires is None and affinity_key is None:
            if not await self._lets_in(tag):
                raise self._unknown(tag)
            return
        if not await self._lets_in(tag):
            raise self._unknown(tag)
        known = await self._read()
        strategy = known.strategies.get(tag)
        if affinity_key is not None and (
            strategy is None or strategy.workers is not WorkerRule.AFFINITY
        ):
            raise RequirementWithoutEffect(
                "affinity_key", tag, "its strategy does not go by affinity"
            )
        if requires is not None:
            if strategy is None:
                raise RequirementWithoutEffect("requires", tag, "it has no strategy")
            _check_possible(tag, requires, known.workers)

    async def check_isolation(self, tag: str, isolation: str) -> None:
        """Return when a script may run so under `tag`; raises `IsolationNotOffered`.

        Tags that are let in always are not asked about: their workers may not have come yet.
        """
        if self._always is None or tag in self._always:
            return
        if any(worker.serves(tag, isolation) for worker in self._known.workers):
            return
        workers = (await self._read()).workers
        if any(worker.serves(tag, isolation) for worker in workers):
            return
        # What has a colon are functions, whose workers say nothing of scripts.
        levels = {
            level
            for worker in workers
            if tag in worker.tags
            for level in worker.isolations
            if ":" not in level
        }
        if levels:
            raise IsolationNotOffered(isolation, tag, " or ".join(sorted(levels)))

    async def _lets_in(self, tag: str) -> bool:
        if self._always is None or tag in self._always:
            return True
        # A tag that was known stays so; only one that was not may have come since.
        return tag in self._known.tags or tag in (await self._read()).tags

    async def _read(self) -> _Known:
        """Return what holds now; who asks while others wait for that shares the next look."""
        asked_at = self._clock.monotonic()
        async with self._reading:
            if self._known.read_at <= asked_at:
                now = self._clock.monotonic()
                self._known = await self._database.read(INSTALLATION, lambda tx: self._all(tx, now))
            return self._known

    def _all(self, tx: Tx, now: float) -> _Known:
        strategies = self._strategies.all(tx)
        tags = frozenset((*self._strategies.tags(tx), *strategies))
        return _Known(now, strategies, tags, tuple(self._workers.all(tx)))

    def _unknown(self, tag: str) -> UnknownTag:
        near = difflib.get_close_matches(tag, self._known.tags | (self._always or frozenset()), n=1)
        return UnknownTag(tag, near[0] if near else None)


def _check_possible(tag: str, wanted: Requires, workers: Iterable[Worker]) -> None:
    """Raise `NoWorkerCouldRun` when workers with the tag are known and none is large enough."""
    tagged = [worker for worker in workers if tag in worker.tags]
    if not tagged or any(worker.machine.could_run(wanted) for worker in tagged):
        return
    cpu = max((worker.machine.cpu or 0 for worker in tagged), default=0)
    memory = max((worker.machine.memory_mib or 0 for worker in tagged), default=0)
    labels = sorted({label for worker in tagged for label in worker.machine.labels})
    best = f"The most that one of them has is {cpu:g} cpu and {memory} MiB" + (
        f"; their labels are {', '.join(labels)}." if labels else "; none has a label."
    )
    raise NoWorkerCouldRun(wanted.told, tag, best)


def _audited(strategy: Strategy) -> dict[str, object]:
    return {
        "order": strategy.order,
        "workers": strategy.workers,
        "affinity_wait_seconds": strategy.affinity_wait_seconds,
        "reserve_seconds": strategy.reserve_seconds,
    }
