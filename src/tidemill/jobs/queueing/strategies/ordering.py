"""In which order ready jobs come up between tenants; no I/O."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from tidemill.jobs.queueing.strategies.models import OrderRule
from tidemill.jobs.requirements.models import NOTHING, Requires

_FIRST: Final = 0.0


class Candidate(Struct, frozen=True, kw_only=True):
    """A ready job that might be given to a worker now."""

    tenant_id: str
    id: str
    position: int
    order_key: int
    due_at: int
    isolation: str
    spec_id: int
    requires: Requires = NOTHING
    affinity_key: str | None = None
    function: str | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Return where it stands among the jobs of its tenant."""
        return self.order_key, self.position

    @property
    def shared_key(self) -> tuple[str, str] | None:
        """Return its affinity key, which means nothing to other tenants."""
        return None if self.affinity_key is None else (self.tenant_id, self.affinity_key)


class Shares(Struct, frozen=True):
    """How much each tenant was served lately, in jobs by weight.

    Stride scheduling: the tenant that was served least comes next, and each job costs one by the
    tenant's weight. Who was away saves nothing: it begins with those that were served least.
    """

    served: Mapping[str, float] = {}

    def ordered(
        self, candidates: Iterable[Candidate], weights: Mapping[str, int]
    ) -> list[Candidate]:
        """Return `candidates` in the order in which tenants get their shares."""
        queues: dict[str, list[Candidate]] = {}
        for candidate in candidates:
            queues.setdefault(candidate.tenant_id, []).append(candidate)
        for queue in queues.values():
            queue.sort(key=_place, reverse=True)
        least = self._least(queues)
        heap = [(self.served.get(tenant, least), tenant) for tenant in queues]
        heapq.heapify(heap)
        ordered: list[Candidate] = []
        while heap:
            served, tenant = heap[0]
            ordered.append(queues[tenant].pop())
            if queues[tenant]:
                heapq.heapreplace(heap, (served + 1 / _weight(weights, tenant), tenant))
            else:
                heapq.heappop(heap)
        return ordered

    def after(
        self, given: Iterable[Candidate], waiting: Iterable[str], weights: Mapping[str, int]
    ) -> Shares:
        """Return the shares once `given` were handed out, with the tenants that had jobs `waiting`.

        What all were served alike is taken off, so that the numbers stay small.
        """
        present = set(waiting)
        least = self._least(present)
        served = {tenant: self.served.get(tenant, least) for tenant in present}
        for tenant, count in Counter(candidate.tenant_id for candidate in given).items():
            served[tenant] = served.get(tenant, least) + count / _weight(weights, tenant)
        lowest = min(served.values(), default=_FIRST)
        return Shares({tenant: value - lowest for tenant, value in served.items()})

    def _least(self, tenants: Iterable[str]) -> float:
        known = [self.served[tenant] for tenant in tenants if tenant in self.served]
        return min(known, default=_FIRST)


def ordered(
    rule: OrderRule, candidates: Sequence[Candidate], shares: Shares, weights: Mapping[str, int]
) -> list[Candidate]:
    """Return `candidates` in the order in which they shall be placed."""
    if rule is OrderRule.PRIORITY_FIFO:
        return sorted(candidates, key=_place)
    return shares.ordered(candidates, weights)


def _weight(weights: Mapping[str, int], tenant: str) -> int:
    return max(1, weights.get(tenant, 1))


def _place(candidate: Candidate) -> tuple[int, int]:
    return candidate.place
