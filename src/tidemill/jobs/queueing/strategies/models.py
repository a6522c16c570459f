"""Strategies of tags, and what jobs ask of a worker; no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self

from msgspec import Struct

from tidemill.jobs.strategy_errors import InvalidStrategy

TAG: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
TENANT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
affinity_wait_seconds_default: Final = 10.0
wait_seconds_max: Final = 3600.0
weight_max: Final = 1000
weights_max: Final = 1000


class OrderRule(StrEnum):
    """In which order the ready jobs of a tag come up, between tenants."""

    FAIR_SHARE = "fair_share"
    """Each tenant in turn, by its weight; within a tenant by priority with ageing."""
    PRIORITY_FIFO = "priority_fifo"
    """By priority with ageing alone, whosever the job is."""


class WorkerRule(StrEnum):
    """Which of the workers that could take a job gets it."""

    FIRST_FREE = "first_free"
    """The one that was least busy when the turn began, until it is full."""
    ROUND_ROBIN = "round_robin"
    """One after the other."""
    LEAST_LOADED = "least_loaded"
    """The one with the smallest share of its slots taken, looked at for each job."""
    AFFINITY = "affinity"
    """The one that belongs to the job's `affinity_key`, for as long as it is there."""
    RESOURCE_AWARE = "resource_aware"
    """The one that the job fits most tightly, of those with enough CPU and memory left."""


class Strategy(Struct, frozen=True, kw_only=True):
    """How the jobs of one tag are ordered and placed.

    A job with an affinity key waits for its worker for `affinity_wait_seconds` at most. A job
    that fits nowhere now has a worker kept free for it once it waited for `reserve_seconds`.
    """

    tag: str
    order: OrderRule = OrderRule.FAIR_SHARE
    workers: WorkerRule = WorkerRule.FIRST_FREE
    affinity_wait_seconds: float = affinity_wait_seconds_default
    reserve_seconds: float = 30.0

    def checked(self) -> Self:
        """Return the strategy; raises `InvalidStrategy` for the first field that cannot hold."""
        for name in ("affinity_wait_seconds", "reserve_seconds"):
            if not 0 <= getattr(self, name) <= wait_seconds_max:
                raise InvalidStrategy(name, f"between 0 and {wait_seconds_max:.0f}")
        waits = self.affinity_wait_seconds != affinity_wait_seconds_default
        if waits and self.workers is not WorkerRule.AFFINITY:
            raise InvalidStrategy(
                "affinity_wait_seconds",
                f"left out where workers is {self.workers}: only affinity looks at it",
            )
        return self


def checked_tag(tag: str) -> str:
    """Return `tag`; raises `InvalidStrategy` when it could not be one."""
    if not TAG.fullmatch(tag):
        raise InvalidStrategy("tag", "1 to 63 characters of a-z, 0-9, '_', '.' and '-'")
    return tag


def checked_weights(weights: Mapping[str, int], order: OrderRule) -> None:
    """Raise `InvalidStrategy` for the first weight that cannot hold under `order`."""
    if weights and order is not OrderRule.FAIR_SHARE:
        raise InvalidStrategy("weights", f"left out where order is {order}: only fair_share looks")
    if len(weights) > weights_max:
        raise InvalidStrategy("weights", f"those of {weights_max} tenants at most")
    for tenant, weight in weights.items():
        if not TENANT.fullmatch(tenant):
            raise InvalidStrategy("weights", "named by the ids of tenants")
        if not 1 <= weight <= weight_max:
            raise InvalidStrategy(f"weights.{tenant}", f"a whole number from 1 to {weight_max}")
