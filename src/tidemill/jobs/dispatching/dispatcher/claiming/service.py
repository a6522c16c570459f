"""Claims the next jobs: in fair shares for whoever is freest, or by the strategy of a tag."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.ports import Tx
from tidemill.jobs.dispatching.dispatcher.choosing.service import Choosing
from tidemill.jobs.dispatching.dispatcher.claiming.repository import (
    SOLE,
    ClaimingRepository,
    wish_of,
)
from tidemill.jobs.dispatching.dispatcher.misfits import Misfits
from tidemill.jobs.dispatching.dispatcher.models import Demand, Ended, Lane, Ring, Turn
from tidemill.jobs.dispatching.dispatcher.repository import DispatchRepository
from tidemill.jobs.queueing.queue.claims import Claimed


class StrategiesChanged(Exception):
    """A tag has had a strategy for less than a second, and jobs that need it were claimed.

    The transaction is to be rolled back and run again.
    """


class Claiming:
    """The claims of one dispatcher, each within the transaction of a turn."""

    def __init__(self, ends: DispatchRepository, choosing: Choosing) -> None:
        self._ends = ends
        self._jobs = ClaimingRepository()
        self._choosing = choosing
        self.misfits = Misfits()
        self._many_lanes = False

    def is_simple(self, tx: Tx, demands: Sequence[Demand]) -> bool:
        """Return whether one statement may be all that is needed: one worker, and one lane."""
        if tx.dialect != "postgres" or self._many_lanes or self._choosing.active:
            return False
        if len(demands) != 1 or self.misfits.of(demands[0], tx.now):
            return False
        return demands[0].tenants is None and bool(demands[0].pairs)

    def end_and_claim(self, tx: Tx, ended: Sequence[Ended], demand: Demand, ring: Ring) -> Turn:
        """End attempts and claim in one statement; where it `is_simple`, one is enough for both.

        What is left to look at is for the next turn: these ends may count already, and must not be
        tried again with what fails after them.
        """
        done, rows = self._ends.end_and(tx, ended, SOLE, **wish_of(demand, ring))
        claimed, others = self._jobs.as_sole(tx, rows)
        self._many_lanes = others > 1
        again = others > 0 and not claimed
        return Turn(ended=done, claimed={demand.worker_id: claimed}, ring=ring, again=again)

    def claim(
        self, tx: Tx, demands: Sequence[Demand], ring: Ring
    ) -> tuple[dict[str, list[Claimed]], Ring]:
        """Return what each worker was given, and the ring after it."""
        if not demands:
            return {}, ring
        if self.is_simple(tx, demands):
            claimed, others = self._jobs.claim_sole(tx, demands[0], ring)
            self._many_lanes = others > 1
            if claimed or not others:
                return {demands[0].worker_id: claimed}, ring
        if not self._choosing.strategies(tx):
            return self._checked(tx, demands, ring)
        return self._choosing.claim(tx, demands, ring, self._checked)

    def _checked(
        self, tx: Tx, demands: Sequence[Demand], ring: Ring
    ) -> tuple[dict[str, list[Claimed]], Ring]:
        """Claim the plain way; raise `StrategiesChanged` when that has come to be wrong."""
        claimed, ring = self._plain(tx, demands, ring)
        if not self._choosing.is_fresh(tx) and any(map(_asks, claimed.values())):
            raise StrategiesChanged
        return claimed, ring

    def _plain(
        self, tx: Tx, demands: Sequence[Demand], ring: Ring
    ) -> tuple[dict[str, list[Claimed]], Ring]:
        """Claim as tags without a strategy have it: in fair shares, for whoever is freest."""
        claimed: dict[str, list[Claimed]] = {demand.worker_id: [] for demand in demands}
        pairs = dict.fromkeys(pair for demand in demands for pair in demand.pairs)
        if not pairs:
            return claimed, ring
        looks: dict[tuple[str, str], dict[Lane, int]] = {pair: {} for pair in pairs}
        lanes = self._jobs.lanes(tx, list(pairs), ring)
        self._many_lanes = len(lanes) > 1
        for lane, weight in lanes.items():
            looks[lane[:2]][lane] = weight
        for demand in demands:
            taken, free = claimed[demand.worker_id], demand.slots
            own = looks if demand.tenants is None else self._own(tx, demand)
            for pair in demand.pairs:
                if free <= 0:
                    break
                jobs, ring = self._round(tx, demand, own[pair], ring, free)
                taken += jobs
                free -= len(jobs)
        return claimed, ring

    def _own(self, tx: Tx, demand: Demand) -> dict[tuple[str, str], dict[Lane, int]]:
        """Return the lanes of a worker that takes jobs of some tenants only."""
        looks: dict[tuple[str, str], dict[Lane, int]] = {pair: {} for pair in demand.pairs}
        for lane, weight in self._jobs.own_lanes(tx, demand).items():
            looks[lane[:2]][lane] = weight
        return looks

    def _round(
        self, tx: Tx, demand: Demand, lanes: dict[Lane, int], ring: Ring, free: int
    ) -> tuple[list[Claimed], Ring]:
        """Go round `lanes`, which loses those that are empty, until `free` jobs are claimed."""
        claimed: list[Claimed] = []
        passed_by = self.misfits.of(demand, tx.now)
        if passed_by:
            # A lane that holds nothing for this worker may hold something for the next one.
            lanes = dict(lanes)
        while lanes and len(claimed) < free:
            if len(lanes) == 1:
                lane = next(iter(lanes))
                shares = [(lane, free - len(claimed))]
            else:
                shares, ring = ring.shares(list(lanes), lanes, free - len(claimed))
            for lane, share in shares:
                jobs = self._jobs.claim(tx, lane, demand, share, passed_by)
                claimed += jobs
                weight = lanes.pop(lane)
                if len(jobs) == share:
                    # Served lanes go to the end of the round.
                    lanes[lane] = weight
        return claimed, ring


def _asks(jobs: Sequence[Claimed]) -> bool:
    """Return whether one of `jobs` has requirements, which the plain way does not look at."""
    return any(job.spec.requires is not None for job in jobs)
