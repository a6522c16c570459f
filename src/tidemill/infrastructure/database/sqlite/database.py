"""The control and jobs stores: one file each, always open, with a writer thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, field

from tidemill.core.clock import Clock
from tidemill.core.ids import TenantId, tenant_id
from tidemill.core.ports import Once, StoreKind, Tx
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.sqlite.connection import Cache
from tidemill.infrastructure.database.sqlite.crew import Crew, Lane
from tidemill.infrastructure.database.sqlite.file import StoreFile
from tidemill.infrastructure.database.sqlite.job import Job, resolve
from tidemill.infrastructure.database.timings import READ, WRITE, Timings

T = TypeVar("T")

_cache = Cache(kib=8_192, statements=256)
_stop_seconds_max = 10.0


class Hooks(Struct, kw_only=True):
    """Whom a store tells, on the loop, about what committed."""

    dirty: Callable[[StoreKind, TenantId], None] = lambda _kind, _tenant_id: None
    changed: Callable[[], None] = lambda: None
    timings: Timings = field(default_factory=Timings)


def announce(kind: StoreKind, jobs: list[Job], hooks: Hooks) -> None:
    """Call back for jobs that committed, then wake those who wait for them."""
    for job in jobs:
        if job.ended_at > job.queued_at:  # Else it did not come to its turn.
            access = WRITE if job.writes else READ
            hooks.timings.observe(access, job.queued_at, job.began_at, job.ended_at)
        if job.error is not None:
            continue
        for callback in job.callbacks:
            _call(callback, job.loop)
    for tenant in dict.fromkeys(job.tenant_id for job in jobs if job.dirty):
        hooks.dirty(kind, tenant)
    if any(job.changed for job in jobs):
        hooks.changed()
    resolve(jobs)


def _call(callback: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
    try:
        callback()
    except Exception as error:  # noqa: BLE001 - the commit stands; the loop reports the mistake
        loop.call_exception_handler(
            {"message": "An after-commit callback failed.", "exception": error}
        )


class SqliteStore:
    """A `Database` that is one file for all tenants."""

    def __init__(
        self, kind: StoreKind, path: Path, options: DatabaseOptions, clock: Clock, hooks: Hooks
    ) -> None:
        self.kind = kind
        self._options = options
        self.file = StoreFile(
            kind,
            path,
            options=options,
            clock=clock,
            settle=lambda jobs: announce(kind, jobs, hooks),
            readers=options.shared_reader_threads,
            cache=_cache,
        )
        self._writers: Crew[Job] = Crew(f"{kind}-write", 1)
        self._readers: Crew[Job] = Crew(f"{kind}-read", options.shared_reader_threads)
        self._closed = False

    async def read(self, tenant: TenantId, use_case: Callable[[Tx], T]) -> T:
        """See `Database.read`."""
        job = Job(tenant_id(tenant), use_case, None, asyncio.get_running_loop())
        self._submit(self._readers, self.file.reads, job)
        result: T = await job.future
        return result

    async def write(
        self, tenant: TenantId, use_case: Callable[[Tx], T], *, once: Once[T] | None = None
    ) -> T:
        """See `Database.write`."""
        result: T = await self.submit(tenant, use_case, once=once)
        return result

    async def reclaim(self, tenant: TenantId, table: str) -> None:
        """See `Database.reclaim`: SQLite frees a row in the transaction that deletes it."""

    def submit(
        self, tenant: TenantId, use_case: Callable[[Tx], T], *, once: Once[T] | None = None
    ) -> asyncio.Future[T]:
        """Queue a write now, so that its place among other writes is fixed."""
        job = Job(tenant_id(tenant), use_case, once, asyncio.get_running_loop())
        self._submit(self._writers, self.file.writes, job)
        return job.future

    async def close(self) -> None:
        """Finish what is queued and close the file; later calls raise `StoreUnavailable`."""
        self._closed = True
        await asyncio.to_thread(self._stop)

    def queue_depth(self) -> int:
        """Return how many use cases wait."""
        return len(self.file.writes.waiting) + len(self.file.reads.waiting)

    def _submit(self, crew: Crew[Job], lane: Lane[Job], job: Job) -> None:
        # No thread is left that would serve it, and its caller would wait for ever.
        if self._closed:
            raise StoreUnavailable(self.kind, "it is closed")
        refuse_when_full(self.kind, lane, self._options)
        crew.submit(lane, job)

    def _stop(self) -> None:
        self._writers.stop(seconds=_stop_seconds_max)
        self._readers.stop(seconds=_stop_seconds_max)
        self.file.close()


def refuse_when_full(kind: StoreKind, lane: Lane[Any], options: DatabaseOptions) -> None:
    """Raise `StoreUnavailable` when more wait already than can be served soon."""
    if len(lane.waiting) >= options.queue_length_max:
        raise StoreUnavailable(kind, "too many requests wait for it")
