"""The dispatcher's transactions; each is safe to run again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, Tx
from tidemill.jobs.dispatcher.models import Begun, Demand, Ended, Lane, Look, Registered, Ring, Turn
from tidemill.jobs.dispatcher.repository import DispatchRepository
from tidemill.jobs.queue.claims import Claimed
from tidemill.jobs.queue.models import (
    Job,
    RetryPolicy,
    actor_of,
    ending_fact,
    given_back,
    rescued,
    settled,
    started_fact,
)
from tidemill.jobs.retention.repository import RetentionRepository
from tidemill.jobs.specs.repository import SpecRepository
from tidemill.jobs.workers.models import Beat, Registration
from tidemill.jobs.workers.repository import WorkerRepository

due_per_turn_max: Final = 5_000
rescued_per_turn_max: Final = 1_000
pruned_per_turn_max: Final = 5_000
held_per_worker_max: Final = 5_000
_DAY: Final = 86_400 * MICROSECONDS_PER_SECOND
_days_ahead: Final = 7
_ROLE: Final = "dispatcher"


class Dispatching:
    """Claims, ends and rescues jobs of all tenants."""

    def __init__(self, jobs: Database, policy: RetryPolicy, jitter: Callable[[], float]) -> None:
        self._database = jobs
        self._policy = policy
        self._jitter = jitter
        self._jobs = DispatchRepository()
        self._retention = RetentionRepository()
        self._workers = WorkerRepository()
        self._specs = SpecRepository()

    async def turn(
        self, ended: Sequence[Ended], demands: Sequence[Demand], ring: Ring, *, leads: bool
    ) -> Turn:
        """End attempts and claim the next jobs, in one transaction; who `leads` moves due ones.

        None of the jobs is followed.
        """

        def use_case(tx: Tx) -> Turn:
            plain = [end for end in ended if end.plain]
            others = [end for end in ended if not end.plain]
            done: list[Job | Ended] = [*self._jobs.end(tx, plain), *self._end(tx, others)]
            next_due_at = self._jobs.move_due(tx, due_per_turn_max) if leads else None
            claimed, after = self._claim(tx, demands, ring)
            return Turn(ended=done, claimed=claimed, ring=after, next_due_at=next_due_at)

        return await self._database.write(INSTALLATION, use_case)

    async def end_followed(self, ended: Sequence[Ended]) -> list[Job]:
        """End attempts whose facts go on their tenants' streams, each tenant on its own."""
        by_tenant: dict[str, list[Ended]] = {}
        for end in ended:
            by_tenant.setdefault(end.tenant_id, []).append(end)
        done = await asyncio.gather(
            *(self._end_of_tenant(TenantId(name), ends) for name, ends in by_tenant.items())
        )
        return [job for jobs in done for job in jobs]

    async def begin(self, begun: Sequence[Begun]) -> None:
        """Mark jobs as running that nobody follows."""
        await self._database.write(INSTALLATION, lambda tx: self._jobs.begin(tx, begun))

    async def begin_followed(self, begun: Begun) -> None:
        """Mark a job as running and tell its followers; a job that was lost stays as it is."""
        tenant = TenantId(begun.tenant_id)

        def use_case(tx: Tx) -> None:
            for job in self._jobs.read(tx, [(begun.tenant_id, begun.id)]):
                if job.epoch == begun.epoch and job.state == "leased":
                    self._jobs.begin(tx, [begun])
                    tx.record(started_fact(job, Instant(begun.started_at)), by=actor_of(job))

        await self._database.write(tenant, use_case)

    async def register(self, registration: Registration, holding: Mapping[str, int]) -> Registered:
        """Register a worker; keep what it holds rightly, and rescue what it does not know of."""

        def use_case(tx: Tx) -> tuple[Registered, list[Job]]:
            worker = self._workers.register(tx, registration)
            booked = self._jobs.held_by(tx, worker.id, held_per_worker_max, lock=True)
            kept = [job for job in booked if holding.get(job.id) == job.epoch]
            self._jobs.take_over(tx, kept, worker.id, worker.generation)
            lost = [job for job in booked if holding.get(job.id) != job.epoch]
            return Registered(generation=worker.generation, kept=kept), lost

        registered, lost = await self._database.write(INSTALLATION, use_case)
        rescued_jobs = await self._rescue(lost)
        return Registered(
            generation=registered.generation, kept=registered.kept, rescued=rescued_jobs
        )

    async def rescue(self, worker_id: str) -> list[Job]:
        """Take a lost worker's jobs from it; return them as they are now."""

        def held(tx: Tx) -> list[Job]:
            return self._jobs.held_by(tx, worker_id, rescued_per_turn_max)

        return await self._rescue(await self._database.read(INSTALLATION, held))

    async def booked(self, worker_ids: Sequence[str]) -> list[Job]:
        """Return the jobs that `worker_ids` hold by our books."""

        def use_case(tx: Tx) -> list[Job]:
            held = [self._jobs.held_by(tx, worker, held_per_worker_max) for worker in worker_ids]
            return [job for jobs in held for job in jobs]

        return await self._database.read(INSTALLATION, use_case)

    async def give_back(self, jobs: Sequence[Job | Claimed], *, seconds: float) -> None:
        """Put claimed jobs back unrun, to be tried again after a while."""

        def use_case(tx: Tx) -> None:
            current = self._current(tx, [(job.tenant_id, job.id, job.epoch) for job in jobs])
            back = [(job, given_back(job, now=tx.now, seconds=seconds)) for job in current]
            self._write(tx, back)

        await self._database.write(INSTALLATION, use_case)

    async def beat(self, beats: Sequence[Beat]) -> None:
        """Write signs of life."""
        await self._database.write(INSTALLATION, lambda tx: self._workers.beat(tx, beats))

    async def drain(self, worker_id: str, generation: int) -> None:
        """Write that a worker takes nothing more."""
        await self._database.write(
            INSTALLATION, lambda tx: self._workers.drain(tx, worker_id, generation)
        )

    async def leave(self, worker_id: str, generation: int) -> None:
        """Write that a worker has gone and left nothing behind."""
        await self._database.write(
            INSTALLATION, lambda tx: self._workers.leave(tx, worker_id, generation)
        )

    async def look(self) -> Look:
        """Return what other processes may have changed."""
        return await self._database.read(INSTALLATION, self._jobs.look)

    async def count(self) -> tuple[dict[str, int], Instant | None]:
        """Return how many jobs are in each state, and since when the oldest ready one is due."""
        return await self._database.read(INSTALLATION, self._jobs.count)

    async def lead(self, holder: str, *, seconds: float) -> bool:
        """Become or stay the one that rescues, prunes and moves due jobs."""

        def use_case(tx: Tx) -> bool:
            # One process owns a SQLite directory, so nobody else could lead.
            if tx.dialect == "sqlite":
                return True
            expires_at = tx.now + int(seconds * MICROSECONDS_PER_SECOND)
            return self._jobs.lead(tx, _ROLE, holder, expires_at) is not None

        return await self._database.write(INSTALLATION, use_case)

    async def resign(self, holder: str) -> None:
        """Let another process lead."""
        await self._database.write(INSTALLATION, lambda tx: self._jobs.resign(tx, _ROLE, holder))

    async def make_days(self) -> None:
        """Make room in the history for the days to come."""

        def use_case(tx: Tx) -> None:
            today = tx.now // _DAY
            self._retention.make_days(tx, range(today, today + _days_ahead))

        await self._database.write(INSTALLATION, use_case)

    async def prune(self, *, days: int) -> int:
        """Delete what finished more than `days` ago; return how many rows and keys went."""

        def use_case(tx: Tx) -> int:
            self._workers.forget(tx, tx.now - _DAY)
            before = tx.now - days * _DAY
            return self._retention.prune(tx, before=before, limit=pruned_per_turn_max)

        return await self._database.write(INSTALLATION, use_case)

    async def forget_specs(self, *, days: int) -> None:
        """Delete specifications whose last job has left the history, which is kept for `days`."""

        def before(tx: Tx) -> int:
            # A process asks for a specification once a day, whenever in that day.
            return tx.now - (days + 2) * _DAY

        # Found in a transaction of its own: that reads much, and would keep writers waiting.
        unused = await self._database.read(
            INSTALLATION,
            lambda tx: self._specs.unused(tx, before=before(tx), limit=pruned_per_turn_max),
        )
        if unused:
            await self._database.write(
                INSTALLATION, lambda tx: self._specs.forget(tx, unused, before=before(tx))
            )

    async def drop_days(self, now: Instant, *, days: int) -> None:
        """Drop whole days of history that ended more than `days` ago, each by itself.

        Days that cannot be dropped at once are left for the next time.
        """
        before = now - days * _DAY
        gone = await self._database.read(
            INSTALLATION, partial(self._retention.days_before, day=before // _DAY)
        )
        for day in gone:
            dropped = await self._database.write(
                INSTALLATION, partial(self._retention.drop_day, day=day, before=before)
            )
            if not dropped:
                return

    async def _end_of_tenant(self, tenant_id: TenantId, ended: Sequence[Ended]) -> list[Job]:
        def use_case(tx: Tx) -> list[Job]:
            done = self._end(tx, ended)
            _record(tx, done)
            return done

        return await self._database.write(tenant_id, use_case)

    async def _rescue(self, lost: Sequence[Job]) -> list[Job]:
        by_tenant: dict[TenantId, list[Job]] = {}
        for job in lost[:rescued_per_turn_max]:
            by_tenant.setdefault(job.tenant_id, []).append(job)
        done: list[Job] = []
        for tenant, jobs in by_tenant.items():
            done += await self._database.write(tenant, partial(self._take, jobs))
        return done

    def _take(self, jobs: Sequence[Job], tx: Tx) -> list[Job]:
        current = self._current(tx, [(job.tenant_id, job.id, job.epoch) for job in jobs])
        changed = [(job, rescued(job, now=tx.now)) for job in current]
        self._write(tx, changed)
        after = [new for _, new in changed]
        _record(tx, after)
        return after

    def _end(self, tx: Tx, ended: Sequence[Ended]) -> list[Job]:
        if not ended:
            return []
        endings = {(end.tenant_id, end.id, end.epoch): end.ending for end in ended}
        changed = [
            (
                job,
                settled(
                    job,
                    endings[job.tenant_id, job.id, job.epoch],
                    self._policy,
                    now=tx.now,
                    jitter=self._jitter(),
                ),
            )
            for job in self._current(tx, list(endings))
        ]
        self._write(tx, changed)
        return [new for _, new in changed]

    def _current(self, tx: Tx, refs: Sequence[tuple[str, str, int]]) -> list[Job]:
        """Return those of `refs` that are still held under that epoch: the fence."""
        wanted = set(refs)
        found = self._jobs.read(tx, [(tenant, id_) for tenant, id_, _ in refs])
        return [
            job
            for job in found
            if (job.tenant_id, job.id, job.epoch) in wanted and job.worker_id is not None
        ]

    def _write(self, tx: Tx, changed: Sequence[tuple[Job, Job]]) -> None:
        final = [new for _, new in changed if new.state.final]
        back = [(new, new.due_at - old.due_at) for old, new in changed if not new.state.final]
        if final:
            self._jobs.finish(tx, final)
        if back:
            self._jobs.put_back(tx, back)

    def _claim(
        self, tx: Tx, demands: Sequence[Demand], ring: Ring
    ) -> tuple[dict[str, list[Claimed]], Ring]:
        claimed: dict[str, list[Claimed]] = {demand.worker_id: [] for demand in demands}
        pairs = dict.fromkeys(pair for demand in demands for pair in demand.pairs)
        if not pairs:
            return claimed, ring
        looks: dict[tuple[str, str], dict[Lane, int]] = {pair: {} for pair in pairs}
        for lane, weight in self._jobs.lanes(tx, list(pairs), ring).items():
            looks[lane[:2]][lane] = weight
        for demand in demands:
            taken, free = claimed[demand.worker_id], demand.slots
            for pair in demand.pairs:
                if free <= 0:
                    break
                jobs, ring = self._claim_round(tx, demand, looks[pair], ring, free)
                taken += jobs
                free -= len(jobs)
        return claimed, ring

    def _claim_round(
        self, tx: Tx, demand: Demand, lanes: dict[Lane, int], ring: Ring, free: int
    ) -> tuple[list[Claimed], Ring]:
        """Go round `lanes`, which loses those that are empty, until `free` jobs are claimed."""
        claimed: list[Claimed] = []
        while lanes and len(claimed) < free:
            if len(lanes) == 1:
                lane = next(iter(lanes))
                shares = [(lane, free - len(claimed))]
            else:
                shares, ring = ring.shares(list(lanes), lanes, free - len(claimed))
            for lane, share in shares:
                jobs = self._jobs.claim(tx, lane, demand, share)
                claimed += jobs
                weight = lanes.pop(lane)
                if len(jobs) == share:
                    # Served lanes go to the end of the round.
                    lanes[lane] = weight
        return claimed, ring


def _record(tx: Tx, jobs: Sequence[Job]) -> None:
    for job in jobs:
        fact = ending_fact(job)
        if fact is not None:
            tx.record(fact, by=actor_of(job))
