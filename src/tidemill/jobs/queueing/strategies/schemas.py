"""Bodies of strategies."""

from __future__ import annotations

from typing import Self

from msgspec import field

from tidemill.http import Body, PageView, View
from tidemill.jobs.queueing.strategies.models import (
    OrderRule,
    Strategy,
    WorkerRule,
    affinity_wait_seconds_default,
)
from tidemill.jobs.queueing.strategies.service import Told


class PutStrategy(Body, frozen=True, kw_only=True):
    """How the jobs of a tag are ordered and placed; what is left out is as it is by default.

    `weights` are shares of tenants, by their ids; a tenant that is not named has 1.
    """

    order: OrderRule = OrderRule.FAIR_SHARE
    workers: WorkerRule = WorkerRule.FIRST_FREE
    affinity_wait_seconds: float = affinity_wait_seconds_default
    reserve_seconds: float = 30.0
    weights: dict[str, int] = field(default_factory=dict)

    def strategy(self, tag: str) -> Strategy:
        """Return the strategy of `tag`."""
        return Strategy(
            tag=tag,
            order=self.order,
            workers=self.workers,
            affinity_wait_seconds=self.affinity_wait_seconds,
            reserve_seconds=self.reserve_seconds,
        )


class StrategyView(View, frozen=True, kw_only=True):
    """How the jobs of a tag are ordered and placed.

    `own` is false where nothing was said of the tag, so that the plain way holds. `weights` are
    those of every tenant for operators, of your own tenant otherwise; null in lists.
    """

    tag: str
    order: OrderRule
    workers: WorkerRule
    affinity_wait_seconds: float
    reserve_seconds: float
    own: bool = True
    weights: dict[str, int] | None = None

    @classmethod
    def of(cls, strategy: Strategy) -> Self:
        """Return the view of a strategy in a list."""
        return cls(
            tag=strategy.tag,
            order=strategy.order,
            workers=strategy.workers,
            affinity_wait_seconds=strategy.affinity_wait_seconds,
            reserve_seconds=strategy.reserve_seconds,
        )

    @classmethod
    def of_told(cls, told: Told) -> Self:
        """Return the view of one strategy with its weights."""
        strategy = told.strategy
        return cls(
            tag=strategy.tag,
            order=strategy.order,
            workers=strategy.workers,
            affinity_wait_seconds=strategy.affinity_wait_seconds,
            reserve_seconds=strategy.reserve_seconds,
            own=told.own,
            weights=dict(told.weights),
        )


class StrategyPage(PageView, frozen=True, kw_only=True):
    """Strategies by tag."""

    items: list[StrategyView]
