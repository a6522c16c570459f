"""Claims jobs of tags that have a strategy: looks at them first, then gives each to a worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct, structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.ports import Tx
from tidemill.jobs.dispatching.dispatcher.choosing.repository import ChoosingRepository
from tidemill.jobs.dispatching.dispatcher.models import Demand, Ring
from tidemill.jobs.queueing.queue.claims import Claimed, function_of
from tidemill.jobs.queueing.strategies.models import OrderRule, Strategy
from tidemill.jobs.queueing.strategies.ordering import Candidate, Shares, ordered
from tidemill.jobs.queueing.strategies.placing import Placement, Present, Seat, place
from tidemill.jobs.queueing.strategies.repository import StrategyRepository
from tidemill.jobs.queueing.workers.models import Worker, WorkerState
from tidemill.jobs.queueing.workers.repository import WorkerRepository
from tidemill.jobs.requirements.models import requires_of

read_again_seconds: Final = 1.0
"""How old what is known of strategies and workers may be."""
candidates_max: Final = 200
looks_max: Final = 5
"""How often more candidates are looked for in place of those that fit on no free worker."""

Claims = dict[str, list[Claimed]]
Plain = Callable[[Tx, Sequence[Demand], Ring], tuple[Claims, Ring]]


class _Known(Struct, frozen=True):
    """What was read last of strategies and connected workers."""

    read_at: Instant = Instant(-(1 << 62))
    strategies: Mapping[str, Strategy] = {}
    workers: Sequence[Worker] = ()


class _Passed(Struct, frozen=True):
    """Whose jobs are left out when more candidates are looked for."""

    stuck: frozenset[int] = frozenset()
    waiting: frozenset[tuple[str, str]] = frozenset()

    def and_of(self, placement: Placement) -> _Passed:
        """Return these and those that a placement had no room for."""
        return _Passed(self.stuck | placement.stuck, self.waiting | placement.waiting)


class _Look(Struct, frozen=True):
    """Ready jobs that might be given out, the weights of their tenants, and if there are more."""

    found: Sequence[Candidate]
    weights: Mapping[str, int]
    more: bool


class Choosing:
    """What a dispatcher remembers of its choices, and how it makes them within a turn."""

    def __init__(self, look_again: Callable[[], None], *, lease_seconds: float) -> None:
        self._look_again = look_again
        self._lease_seconds = lease_seconds
        self._jobs = ChoosingRepository()
        self._strategies = StrategyRepository()
        self._workers = WorkerRepository()
        self._known = _Known()
        self._shares: dict[str, Shares] = {}
        self._cursors: dict[str, str] = {}
        self._turns = 0

    @property
    def active(self) -> bool:
        """Return whether any tag has a strategy, as far as is known."""
        return bool(self._known.strategies)

    def announce(self, tx: Tx, tags: Sequence[str]) -> None:
        """Keep that there is a worker for these tags, so that jobs may ask for them."""
        self._strategies.announce(tx, tags)

    def strategies(self, tx: Tx) -> Mapping[str, Strategy]:
        """Return the strategies by tag; read at most once a second, within a turn."""
        if tx.now - self._known.read_at >= read_again_seconds * MICROSECONDS_PER_SECOND:
            strategies = self._strategies.all(tx)
            workers = self._workers.all(tx) if strategies else []
            self._known = _Known(tx.now, strategies, workers)
        return self._known.strategies

    def is_fresh(self, tx: Tx) -> bool:
        """Return whether strategies were read in this transaction."""
        return self._known.read_at == tx.now

    def forget(self) -> None:
        """Read strategies again in the next turn."""
        self._known = _Known()

    def claim(
        self, tx: Tx, demands: Sequence[Demand], ring: Ring, plain: Plain
    ) -> tuple[Claims, Ring]:
        """Claim for tags with a strategy, and let `plain` claim for the others.

        They come first by turns, so that neither has all the free slots for itself.
        """
        others = {d.worker_id: _others(d.tags, self._known.strategies) for d in demands}
        self._turns += 1
        if self._turns % 2:
            chosen = self._claim_chosen(tx, demands)
            rest = [structs.replace(d, tags=others[d.worker_id]) for d in _less(demands, chosen)]
            claimed, ring = plain(tx, rest, ring)
            return _both(claimed, chosen), ring
        wanted = [structs.replace(d, tags=others[d.worker_id]) for d in demands]
        claimed, ring = plain(tx, wanted, ring)
        return _both(claimed, self._claim_chosen(tx, _less(demands, claimed))), ring

    def _claim_chosen(self, tx: Tx, demands: Sequence[Demand]) -> Claims:
        claimed: Claims = {}
        if any(d.seat is None for d in demands):
            # Nobody knew yet that there is something to choose.
            tx.after_commit(self._look_again)
        left = {d.worker_id: d for d in demands if d.seat is not None and d.slots > 0}
        wanted = {tag for d in left.values() for tag in d.tags}
        for tag in sorted(wanted.intersection(self._known.strategies)):
            claimed = _both(claimed, self._claim_tag(tx, tag, left))
        return claimed

    def _claim_tag(self, tx: Tx, tag: str, left: dict[str, Demand]) -> Claims:
        """Give out jobs of one tag; `left` loses what that takes of its workers."""
        strategy = self._known.strategies[tag]
        claimed: Claims = {}
        passed, tenants = _Passed(), set[str]()
        shares, cursor = self._shares.get(tag, Shares()), self._cursors.get(tag, "")
        for _ in range(looks_max):
            seats = {
                name: d.seat for name, d in left.items() if tag in d.tags and d.seat is not None
            }
            free = min(candidates_max, sum(seat.free for seat in seats.values()))
            if free <= 0:
                break
            look = self._look(tx, strategy, seats, passed, free)
            placement = place(
                ordered(strategy.order, look.found, shares, look.weights),
                seats,
                strategy,
                self._present(tag, tx.now),
                now=tx.now,
                cursor=cursor,
            )
            for worker_id, refs in _by_worker(placement).items():
                claimed.setdefault(worker_id, []).extend(
                    self._jobs.claim(tx, refs, left[worker_id])
                )
            for worker_id, seat in placement.seats.items():
                left[worker_id] = structs.replace(left[worker_id], seat=seat, slots=seat.free)
            tenants |= set(look.weights)
            shares = shares.after([job for job, _ in placement.given], tenants, look.weights)
            cursor, passed = placement.cursor, passed.and_of(placement)
            if not look.more:
                break
        tx.after_commit(partial(self._remember, tag, shares, cursor))
        return claimed

    def _look(
        self,
        tx: Tx,
        strategy: Strategy,
        seats: Mapping[str, Seat],
        passed: _Passed,
        free: int,
    ) -> _Look:
        found: list[Candidate] = []
        weights: dict[str, int] = {}
        more = False
        for isolation in sorted({name for seat in seats.values() for name in seat.isolations}):
            tenants = self._jobs.tenants(tx, strategy.tag, isolation)
            if not tenants:
                continue
            weights |= tenants
            # Under fair shares no tenant needs more than a few times its share to fill the slots.
            fair = strategy.order is OrderRule.FAIR_SHARE
            each = min(free, 2 * free // len(tenants) + 2) if fair else free
            rows = self._jobs.candidates(
                tx,
                (strategy.tag, isolation),
                tenants,
                (passed.stuck, passed.waiting),
                (each, each * len(tenants) if fair else free),
            )
            counts = Counter(row[0] for row in rows)
            more = (
                more or max(counts.values(), default=0) >= each or (not fair and len(rows) >= free)
            )
            specs = self._jobs.specs(tx, {row[6] for row in rows})
            found += [
                Candidate(
                    tenant_id=row[0],
                    id=row[1],
                    position=row[2],
                    order_key=row[3],
                    due_at=row[4],
                    isolation=row[5],
                    spec_id=row[6],
                    affinity_key=row[7],
                    function=function_of(specs[row[6]]),
                    requires=requires_of(specs[row[6]].requires),
                )
                for row in rows
            ]
        return _Look(found, weights, more)

    def _present(self, tag: str, now: Instant) -> list[Present]:
        return [
            Present(
                worker_id=worker.id,
                isolations=frozenset(worker.isolations),
                slots=worker.slots,
                machine=worker.machine,
            )
            for worker in self._known.workers
            if tag in worker.tags
            and worker.state(now, self._lease_seconds) is WorkerState.CONNECTED
        ]

    def _remember(self, tag: str, shares: Shares, cursor: str) -> None:
        self._shares[tag] = shares
        self._cursors[tag] = cursor


def _by_worker(placement: Placement) -> dict[str, list[tuple[str, str]]]:
    refs: dict[str, list[tuple[str, str]]] = {}
    for job, worker_id in placement.given:
        refs.setdefault(worker_id, []).append((job.tenant_id, job.id))
    return refs


def _others(tags: Sequence[str], strategies: Mapping[str, Strategy]) -> tuple[str, ...]:
    return tuple(tag for tag in tags if tag not in strategies)


def _less(demands: Sequence[Demand], claimed: Mapping[str, Sequence[Claimed]]) -> list[Demand]:
    """Return the demands without the slots that `claimed` take."""
    left = []
    for demand in demands:
        taken = len(claimed.get(demand.worker_id, ()))
        seat = demand.seat
        if seat is not None:
            seat = structs.replace(seat, free=seat.free - taken, held=seat.held + taken)
        left.append(structs.replace(demand, slots=demand.slots - taken, seat=seat))
    return left


def _both(one: Claims, other: Mapping[str, list[Claimed]]) -> Claims:
    for worker_id, jobs in other.items():
        one.setdefault(worker_id, []).extend(jobs)
    return one
