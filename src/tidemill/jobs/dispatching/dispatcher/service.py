"""The dispatcher's transactions; each is safe to run again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, Tx
from tidemill.jobs.dispatching.dispatcher.admission import named_twice
from tidemill.jobs.dispatching.dispatcher.choosing.service import Choosing
from tidemill.jobs.dispatching.dispatcher.claiming.service import Claiming, StrategiesChanged
from tidemill.jobs.dispatching.dispatcher.due.repository import DueRepository
from tidemill.jobs.dispatching.dispatcher.housekeeping.service import Housekeeping
from tidemill.jobs.dispatching.dispatcher.models import (
    Begun,
    Demand,
    Ended,
    Look,
    Registered,
    Ring,
    Turn,
)
from tidemill.jobs.dispatching.dispatcher.repository import DispatchRepository
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.limits.gates.repository import GateRepository
from tidemill.jobs.limits.repository import LimitRepository
from tidemill.jobs.queueing.queue.breakdown import TagCount
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import (
    Job,
    RetryPolicy,
    actor_of,
    ending_fact,
    given_back,
    rescued,
    rescues_limit,
    settled,
    started_fact,
)
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.releasing.service import Releasing
from tidemill.jobs.queueing.workers.models import Beat, Registration
from tidemill.jobs.queueing.workers.repository import WorkerRepository
from tidemill.jobs.records.attempts.models import NO_VERDICTS, Verdicts, earlier
from tidemill.jobs.records.attempts.repository import AttemptRepository

due_per_turn_max: Final = 5_000
rescued_per_turn_max: Final = 1_000
held_per_worker_max: Final = 5_000
_ROLE: Final = "dispatcher"


class Dispatching:
    """Claims, ends and rescues jobs of all tenants."""

    def __init__(
        self,
        jobs: Database,
        policy: RetryPolicy,
        jitter: Callable[[], float],
        *,
        signals: Signals,
        lease_seconds: float = 30.0,
        folders: FolderService | None = None,
    ) -> None:
        self.releasing = Releasing(jobs, signals, folders)
        self._database = jobs
        self._policy = policy
        self._jitter = jitter
        self._jobs = DispatchRepository()
        self._due = DueRepository()
        self.choosing = Choosing(partial(signals.ready, 0), lease_seconds=lease_seconds)
        self._claiming = Claiming(self._jobs, self.choosing)
        self.housekeeping = Housekeeping(jobs)
        self._workers = WorkerRepository()
        self._limits = LimitRepository()
        self._gates = GateRepository()
        self._attempts = AttemptRepository()

    async def turn(
        self, ended: Sequence[Ended], demands: Sequence[Demand], ring: Ring, *, leads: bool
    ) -> Turn:
        """End attempts and claim the next jobs, in one transaction; who `leads` moves due ones.

        None of the jobs is followed.
        """

        def use_case(tx: Tx) -> Turn:
            plain: list[Ended] = []
            others: list[Ended] = []
            for end in ended:
                (plain if end.plain else others).append(end)
            if plain and not (others or leads) and self._claiming.is_simple(tx, demands):
                return self._claiming.end_and_claim(tx, plain, demands[0], ring)
            # Those that have keys first, since keys are locked before any job.
            done: list[Job | Ended] = [*self._end(tx, others), *self._jobs.end(tx, plain)]
            next_due_at = self._due.move(tx, due_per_turn_max) if leads else None
            if leads and self._limits.has_due(tx):
                return Turn(ended=done, ring=ring, limits_due=True)
            claimed, after = self._claiming.claim(tx, demands, ring)
            return Turn(ended=done, claimed=claimed, ring=after, next_due_at=next_due_at)

        turn = await self._write_turn(use_case)
        if turn.limits_due:
            turn = await self._claim_after_limits(turn, demands)
        turn = await self._claiming.misfits.sort_out(turn, demands, self.give_back)
        taken = [job for jobs in turn.claimed.values() for job in jobs]
        if any(job.spec.limits is not None for job in taken):
            wakes = (turn.next_due_at, await self.releasing.taken(taken))
            turn = structs.replace(turn, next_due_at=min(filter(None, wakes), default=None))
        return turn

    async def _claim_after_limits(self, turn: Turn, demands: Sequence[Demand]) -> Turn:
        """Let limits look first: what has expired must not be claimed."""
        await self.releasing.advance()

        def use_case(tx: Tx) -> Turn:
            claimed, after = self._claiming.claim(tx, demands, turn.ring)
            next_due_at = self._due.next_at(tx)
            return structs.replace(turn, claimed=claimed, ring=after, next_due_at=next_due_at)

        return await self._write_turn(use_case)

    async def _write_turn(self, use_case: Callable[[Tx], Turn]) -> Turn:
        try:
            return await self._database.write(INSTALLATION, use_case)
        except StrategiesChanged:
            self.choosing.forget()
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

    async def register(
        self,
        registration: Registration,
        holding: Mapping[str, int],
        *,
        tenants: Collection[str] | None = None,
        alive_seconds: float = 0,
    ) -> Registered:
        """Register a worker; keep what it holds rightly, and rescue what it does not know of.

        Raises `NotAdmitted` for the earlier of two processes under one name, if the later one was
        heard within `alive_seconds`: it may be connected to another dispatcher.
        Of `tenants` alone it may hold jobs, unless they are None: its rights may be fewer now.
        """

        def use_case(tx: Tx) -> tuple[Registered, list[Job]]:
            alive_since = Instant(tx.now - int(alive_seconds * MICROSECONDS_PER_SECOND))
            worker = self._workers.register(tx, registration, alive_since=alive_since)
            if worker is None:
                raise named_twice(registration.id)
            self.choosing.announce(tx, registration.tags)
            booked = self._jobs.held_by(tx, worker.id, held_per_worker_max, lock=True)
            kept: list[Job] = []
            lost: list[Job] = []
            for job in booked:
                may_hold = tenants is None or job.tenant_id in tenants
                (kept if may_hold and holding.get(job.id) == job.epoch else lost).append(job)
            self._jobs.take_over(tx, kept, worker.id, worker.generation)
            drained = worker.must_drain
            return Registered(generation=worker.generation, drained=drained, kept=kept), lost

        registered, lost = await self._database.write(INSTALLATION, use_case)
        rescued_jobs = await self._rescue(lost)
        return structs.replace(registered, rescued=rescued_jobs)

    async def rescue(self, worker_id: str) -> list[Job]:
        """Take a lost worker's jobs from it; return them as they are now."""

        def held(tx: Tx) -> list[Job]:
            return self._jobs.held_by(tx, worker_id, rescued_per_turn_max)

        return await self._rescue(await self._database.read(INSTALLATION, held))

    async def rescue_strays(self, worker_id: str, generation: int) -> list[Job]:
        """Take from a worker what was claimed for a registration of it, if there is another since.

        A dispatcher that has not seen its connection break goes on to claim for it, while the
        worker is back at another one, and keeps its lease there.
        """

        def strays(tx: Tx) -> list[Job]:
            return self._jobs.strays(tx, worker_id, generation, rescued_per_turn_max)

        return await self._rescue(await self._database.read(INSTALLATION, strays))

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

    async def count(self) -> Sequence[TagCount]:
        """Return how many jobs of each tag are in each state, and since when the oldest is due."""
        return await self._database.read(INSTALLATION, self._jobs.count)

    async def lead(self, holder: str, *, seconds: float) -> float | None:
        """Become or stay the one that rescues, prunes and moves due jobs.

        Return for how many seconds nobody has led for certain, or None while another one leads.
        """

        def use_case(tx: Tx) -> float | None:
            # One process owns a SQLite directory, so nobody else could lead.
            if tx.dialect == "sqlite":
                return 0.0
            term = int(seconds * MICROSECONDS_PER_SECOND)
            silent = self._jobs.lead(tx, _ROLE, holder, term)
            return None if silent is None else silent / MICROSECONDS_PER_SECOND

        return await self._database.write(INSTALLATION, use_case)

    async def resign(self, holder: str) -> None:
        """Let another process lead."""
        await self._database.write(INSTALLATION, lambda tx: self._jobs.resign(tx, _ROLE, holder))

    async def _end_of_tenant(self, tenant_id: TenantId, ended: Sequence[Ended]) -> list[Job]:
        def use_case(tx: Tx) -> list[Job]:
            done = self._end(tx, ended)
            _record(tx, done)
            return done

        return await self._database.write(tenant_id, use_case)

    async def _rescue(self, lost: Sequence[Job]) -> list[Job]:
        """Take jobs from one worker."""
        by_tenant: dict[TenantId, list[Job]] = {}
        for job in lost[:rescued_per_turn_max]:
            by_tenant.setdefault(job.tenant_id, []).append(job)
        alone = sum(job.rescues + 1 >= rescues_limit(job) for job in lost) == 1
        done: list[Job] = []
        for tenant, jobs in by_tenant.items():
            take = partial(self._take, jobs, alone=alone)
            done += await self._database.write(tenant, take)
        return done

    def _take(self, jobs: Sequence[Job], tx: Tx, *, alone: bool) -> list[Job]:
        current = self._current(tx, [(job.tenant_id, job.id, job.epoch) for job in jobs])
        changed = [
            (job, rescued(job, self._policy, now=tx.now, jitter=self._jitter(), alone=alone))
            for job in current
        ]
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
        verdicts = {(end.tenant_id, end.id): end.ending.verdict for end in ended}
        self._write(tx, changed, verdicts)
        return [new for _, new in changed]

    def _current(self, tx: Tx, refs: Sequence[tuple[str, str, int]]) -> list[Job]:
        """Return those of `refs` that are still held under that epoch: the fence."""
        wanted = set(refs)
        named = [(tenant, id_) for tenant, id_, _ in refs]
        self._gates.lock(tx, named)
        found = self._jobs.read(tx, named)
        return [
            job
            for job in found
            if (job.tenant_id, job.id, job.epoch) in wanted and job.worker_id is not None
        ]

    def _write(
        self, tx: Tx, changed: Sequence[tuple[Job, Job]], verdicts: Verdicts = NO_VERDICTS
    ) -> None:
        final = [new for _, new in changed if new.state.final]
        back = [(new, new.due_at - old.due_at) for old, new in changed if not new.state.final]
        if final:
            self._jobs.finish(tx, final)
        if any(new.concurrency_key is not None for _, new in changed):
            self.releasing.tell(tx)
        if back:
            self._jobs.put_back(tx, back)
            self._attempts.add(tx, earlier(changed, verdicts, tx.now))


def _record(tx: Tx, jobs: Sequence[Job]) -> None:
    for job in jobs:
        fact = ending_fact(job)
        if fact is not None:
            tx.record(fact, by=actor_of(job))
