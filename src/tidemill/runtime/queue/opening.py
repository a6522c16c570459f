"""The queue as programs that only enqueue have it open: one for each event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import structs

from tidemill.core.actor import Actor, Origin, system
from tidemill.core.clock import Clock
from tidemill.core.facts import Topic
from tidemill.core.ids import INSTALLATION, TenantId, tenant_id
from tidemill.core.ports import Ephemeral, EventBus, Once
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.queue_store import QueueStore, open_queue_store
from tidemill.infrastructure.messaging.factory import BusOptions, open_bus
from tidemill.jobs.announcing import Announcer, hear
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.contract import FINAL_STATES, JobId, JobRequest
from tidemill.jobs.errors import JobNotFound
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.strategies.models import Strategy, checked_tag
from tidemill.jobs.queueing.strategies.service import Door, StrategyService
from tidemill.jobs.queueing.workers.service import WorkerService
from tidemill.jobs.strategy_errors import InvalidStrategy
from tidemill.runtime.clock import SystemClock
from tidemill.runtime.queue.places import QueuePlace
from tidemill.runtime.tracing import trace_as_the_program

T = TypeVar("T")

pool_size_max: Final = 4
awaited_max: Final = 10_000
looks_seconds: Final = (0.02, 0.1, 0.5, 1.0)
"""When one who waits looks by itself; between these a worker's word wakes it."""
outbox_prefix: Final = "outbox-"
"""How the ids begin that jobs get while they are only in a program's SQLite file."""
_AWAITED: Final = "JobAwaited"
_ENDED: Final = "JobEnded"
_FINAL: Final = frozenset(state.value for state in FINAL_STATES)


class NotCarriedOver(TimeoutError):
    """A job that was left in a program's SQLite file has not come into the queue."""

    def __init__(self, job_id: str, seconds: float) -> None:
        super().__init__(
            f"Job {job_id} is not in the queue after {seconds:g} s: either the transaction that "
            "left it in the program's SQLite file was not committed, or no worker carries that "
            "file's jobs over. Name the file in Tidemill(outboxes=[…]) where the worker runs."
        )


class NoScripts:
    """Stands for the tenants' stores, which a queue without a server does not have."""

    async def read(self, tenant: TenantId, use_case: Any) -> Any:
        """See `Database.read`."""
        del tenant, use_case
        raise StoreUnavailable("tenant", "a queue without a server runs functions, not scripts")

    async def write(self, tenant: TenantId, use_case: Any, *, once: Once[Any] | None = None) -> Any:
        """See `Database.write`."""
        del once
        return await self.read(tenant, use_case)

    async def reclaim(self, tenant: TenantId, table: str) -> None:
        """See `Database.reclaim`."""
        await self.read(tenant, table)


class Endings:
    """Tells those who wait for a job, in this process and in others, when it has ended.

    Nothing is said of jobs that nobody waits for. Fills `LiveUpdates`.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._awaited: dict[str, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def is_followed(self, tenant_id: TenantId) -> bool:
        """See `LiveUpdates.is_followed`."""
        del tenant_id
        return bool(self._waiting or self._awaited)

    def publish(
        self, tenant_id: TenantId, topics: Sequence[Topic], type_: str, data: object
    ) -> None:
        """See `LiveUpdates.publish`."""
        del tenant_id, topics
        if type_ != "JobStateChanged" or not isinstance(data, Mapping):
            return
        if data["state"] in _FINAL:
            job_id = str(data["job_id"])
            self._wake(job_id)
            if self._awaited.pop(job_id, 0) is None:
                self._say(_ENDED, job_id)

    def hear(self, update: Ephemeral) -> None:
        """Take what another process says."""
        if update.type == _ENDED:
            self._wake(msgspec.json.decode(update.data, type=str))
        elif update.type == _AWAITED:
            self._awaited[msgspec.json.decode(update.data, type=str)] = None
            if len(self._awaited) > awaited_max:
                del self._awaited[next(iter(self._awaited))]

    def expect(self, job_id: str) -> asyncio.Event:
        """Return what is set when the job has ended, if that is heard of."""
        event = asyncio.Event()
        self._waiting.setdefault(job_id, set()).add(event)
        self._say(_AWAITED, job_id)
        return event

    def forget(self, job_id: str, event: asyncio.Event) -> None:
        """Wait no more."""
        waiting = self._waiting.get(job_id, set())
        waiting.discard(event)
        if not waiting:
            self._waiting.pop(job_id, None)

    def _wake(self, job_id: str) -> None:
        for event in self._waiting.get(job_id, ()):
            event.set()

    def _say(self, type_: str, job_id: str) -> None:
        data = msgspec.Raw(msgspec.json.encode(job_id))
        update = Ephemeral(tenant_id=INSTALLATION, topics=(), type=type_, data=data)
        task = asyncio.create_task(self._bus.broadcast(update))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Owners:
    """Who has the database of a queue without a server is its operator; see `Operators`."""

    async def is_operator(self, actor: Actor) -> bool:
        """See `Operators.is_operator`."""
        del actor
        return True

    async def tenant_id(self) -> TenantId | None:
        """See `Operators.tenant_id`."""
        return None


class OpenQueue:
    """An open queue on the loop that opened it."""

    def __init__(self, store: QueueStore, bus: EventBus, limits: QueueLimits, clock: Clock) -> None:
        self.store = store
        self.bus = bus
        self.clock = clock
        self.endings = Endings(bus)
        self.signals = Signals(self.endings, in_order=store.dialect == "sqlite")
        self.scripts = ScriptService(NoScripts(), bytes_max=0)
        self.service = JobService(
            store.jobs,
            clock,
            limits,
            scripts=self.scripts,
            workers=WorkerService(store.jobs, clock, lease_seconds=30.0),
            signals=self.signals,
            links=lambda: None,
            # A program knows its own tags, also before its first worker has come.
            door=Door(store.jobs, clock, None),
        )
        self.strategies = StrategyService(store.jobs, Owners())
        self._announcer = Announcer(bus)
        self._announces = False

    async def start(self) -> None:
        """Hear what other processes say, and tell them of new jobs."""
        self.bus.on_ephemeral(self.endings.hear)
        self.bus.on_ephemeral(self._hear)
        await self.bus.start()

    def announce(self) -> None:
        """Tell the workers in other processes of what is enqueued here."""
        self._announces = True
        self.signals.on_ready(self._announcer.announce)

    def _hear(self, update: Ephemeral) -> None:
        # What was announced once must not be announced again: two programs would never be silent.
        if not self._announces:
            hear(self.signals, update)

    async def close(self) -> None:
        """Let go of everything."""
        self.signals.end_waits()
        await self.bus.stop()
        await self.store.close()

    async def enqueue(
        self, request: JobRequest, *, tenant: str, traceparent: str | None = None
    ) -> Job:
        """Return the job once it is durable."""
        return await self.service.create(request, actor=actor_of(tenant, traceparent))

    async def enqueue_many(self, requests: Sequence[JobRequest], *, tenant: str) -> list[Job]:
        """Return the jobs, in order, once all are durable."""
        return await self.service.create_many(requests, actor=actor_of(tenant))

    async def enqueue_alike(
        self, request: JobRequest, arguments: Sequence[bytes], *, tenant: str
    ) -> list[JobId]:
        """Return the ids of jobs that differ in their arguments only, once all are durable."""
        return await self.service.create_alike(request, arguments, actor=actor_of(tenant))

    async def set_strategy(self, tag: str, fields: Mapping[str, Any], *, tenant: str) -> None:
        """Keep how the jobs of a tag are ordered and placed."""
        known = {name: value for name, value in fields.items() if name != "weights"}
        unknown = known.keys() - set(Strategy.__struct_fields__)
        if unknown:
            raise InvalidStrategy(min(unknown), "left out: a strategy has no such field")
        try:
            strategy = msgspec.convert({**known, "tag": checked_tag(tag)}, Strategy)
        except msgspec.ValidationError as error:
            raise InvalidStrategy("strategy", f"of known rules and numbers ({error})") from None
        try:
            weights = msgspec.convert(fields.get("weights") or {}, dict[str, int])
        except msgspec.ValidationError as error:
            raise InvalidStrategy("weights", f"whole numbers by tenant ({error})") from None
        await self.strategies.put(strategy, weights, actor=actor_of(tenant))

    async def get(self, job_id: str, *, tenant: str) -> Job:
        """Return a job as it is now; raises `JobNotFound`."""
        return await self.service.get(job_id, actor=actor_of(tenant))

    async def cancel(self, job_id: str, *, tenant: str) -> Job:
        """End a job that waits, or ask for the end of one that runs."""
        return await self.service.cancel_job(job_id, actor=actor_of(tenant))

    async def wait(
        self, job_id: str, *, tenant: str, seconds: float | None, comes_later: bool = False
    ) -> Job:
        """Return the job once it is final, or as it is after `seconds`.

        One that `comes_later` may still lie in an outbox, as may all whose id says so. Raises
        `JobNotFound`, and `NotCarriedOver` for one that is in no queue by then.
        """
        loop, in_outbox = asyncio.get_running_loop(), comes_later or _is_from_outbox(job_id)
        deadline = None if seconds is None else loop.time() + seconds
        event = self.endings.expect(job_id)
        try:
            for look in _looks():
                event.clear()
                job = await self._found(job_id, tenant, in_outbox=in_outbox)
                in_outbox = in_outbox and job is None
                if job is not None and job.state.final:
                    return job
                left = look if deadline is None else min(look, deadline - loop.time())
                if left <= 0:
                    if job is None:
                        raise NotCarriedOver(job_id, seconds or 0)
                    return job
                await _wait(event, left)
            raise AssertionError("unreachable: looks have no end")
        finally:
            self.endings.forget(job_id, event)

    async def _found(self, job_id: str, tenant: str, *, in_outbox: bool) -> Job | None:
        try:
            return await self.get(job_id, tenant=tenant)
        except JobNotFound:
            if in_outbox:
                return None  # The worker has not carried it over yet.
            raise


async def open_queue(
    place: QueuePlace, *, limits: QueueLimits | None = None, clock: Clock | None = None
) -> OpenQueue:
    """Open the queue at `place`, made where it is missing.

    Raises `StoreUnavailable`, `MigrationFailed` and `BusUnavailable`.
    """
    trace_as_the_program()
    clock = clock or SystemClock()
    options = place.database_options(pool_size_max=pool_size_max)
    store = await open_queue_store(options, clock, place.file)
    bus = open_bus(BusOptions(url=place.bus_url, prefix=place.bus_prefix))
    queue = OpenQueue(store, bus, limits or QueueLimits(), clock)
    try:
        await queue.start()
    except BaseException:
        await store.close()
        raise
    return queue


def actor_of(tenant: str, traceparent: str | None = None) -> Actor:
    """Return the program itself as the actor within a tenant, as a part of a trace."""
    actor = _program(tenant)
    if traceparent is None:
        return actor
    return structs.replace(actor, origin=Origin(traceparent=traceparent))


@lru_cache(maxsize=1_024)
def _program(tenant: str) -> Actor:
    return structs.replace(system("library"), tenant_id=tenant_id(tenant))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _is_from_outbox(job_id: str) -> bool:
    return job_id.startswith(outbox_prefix)


def _looks() -> Iterator[float]:
    yield from looks_seconds
    while True:
        yield looks_seconds[-1]
