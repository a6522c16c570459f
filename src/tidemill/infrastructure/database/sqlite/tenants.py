"""The tenant stores: one file each, few of them open, all on small pools of threads."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog

from tidemill.core.clock import Clock
from tidemill.core.ids import TenantId, tenant_id
from tidemill.core.ports import Once, StoreKind, Tx
from tidemill.core.store_errors import StoreUnavailable, TenantUnavailable
from tidemill.infrastructure.database.migrations import MigrationFailed
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.sqlite.connection import (
    Cache,
    damaged_reasons,
    store_unavailable,
)
from tidemill.infrastructure.database.sqlite.crew import Crew, Lane
from tidemill.infrastructure.database.sqlite.database import Hooks, announce, refuse_when_full
from tidemill.infrastructure.database.sqlite.file import StoreFile
from tidemill.infrastructure.database.sqlite.job import Job
from tidemill.infrastructure.database.sqlite.migrating import upgrade_connection

T = TypeVar("T")

_log = structlog.get_logger(__name__)

# There may be 192 connections: what each keeps adds up.
_cache = Cache(kib=512, statements=64)
_readers_per_file_max = 2
_stop_seconds_max = 10.0


class Marker(Protocol):
    """Keeps the durable rows that say which files a crash would leave dirty."""

    marked: set[TenantId]

    async def mark(self, tenant: TenantId) -> None:
        """Return once the row of `tenant` is durable."""
        ...

    def closed(self, tenant: TenantId, *, clean: bool) -> None:
        """Say that the file of `tenant` was closed; `clean` when nothing in it is undelivered."""
        ...


class _Open:
    """A file that is open or about to be, and how many calls hold it."""

    def __init__(self, file: StoreFile) -> None:
        self.file = file
        self.opened: asyncio.Future[None]
        self.held = 0
        self.idle = asyncio.Event()


class SqliteTenants:
    """A `Database` with a file for each tenant; the least recently used are closed."""

    def __init__(
        self, directory: Path, options: DatabaseOptions, clock: Clock, hooks: Hooks
    ) -> None:
        self.kind = StoreKind.TENANT
        self.marker: Marker | None = None
        self.admit: Callable[[TenantId], Awaitable[object]] | None = None
        self.failed: Callable[[TenantId, str], Awaitable[None]] | None = None
        self._directory = directory
        self._options = options
        self._clock = clock
        self._hooks = hooks
        self.groups_closed: Counter[int] = Counter()
        self._closed = False
        self._damaged: set[TenantId] = set()
        self._files: OrderedDict[TenantId, _Open] = OrderedDict()
        self._closing: dict[TenantId, asyncio.Task[None]] = {}
        self._queue: deque[asyncio.Future[None]] = deque()
        self._writers: Crew[Job] = Crew("tenant-write", options.tenant_writer_threads)
        self._readers: Crew[Job] = Crew("tenant-read", options.tenant_reader_threads)

    async def read(self, tenant: TenantId, use_case: Callable[[Tx], T]) -> T:
        """See `Database.read`."""
        entry = await self._admit(tenant)
        job = Job(tenant, use_case, None, asyncio.get_running_loop())
        result: T = await self._run(entry, self._readers, entry.file.reads, job)
        return result

    async def write(
        self, tenant: TenantId, use_case: Callable[[Tx], T], *, once: Once[T] | None = None
    ) -> T:
        """See `Database.write`."""
        entry = await self._admit(tenant)
        try:
            if self.marker is not None and tenant not in self.marker.marked:
                await self.marker.mark(tenant)
        except BaseException:
            self._release(entry)
            raise
        job = Job(tenant, use_case, once, asyncio.get_running_loop())
        result: T = await self._run(entry, self._writers, entry.file.writes, job)
        return result

    async def reclaim(self, tenant: TenantId, table: str) -> None:
        """See `Database.reclaim`: SQLite frees a row in the transaction that deletes it."""

    async def open(self, tenant: TenantId) -> None:
        """Open the tenant's file, and so make and migrate it. Does not ask the registry."""
        self._release(await self._acquire(tenant_id(tenant)))

    def is_open(self, tenant: TenantId) -> bool:
        """Whether the tenant's file is open."""
        return tenant in self._files or tenant in self._closing

    def open_files(self) -> list[StoreFile]:
        """Return the files that are open."""
        return [entry.file for entry in self._files.values()]

    def failing(self) -> dict[TenantId, str]:
        """Return the tenants whose open files took no write the last time, and why.

        Damaged ones are left out: they say nothing of the machine that serves the others.
        """
        failures = {tenant: entry.file.failure for tenant, entry in self._files.items()}
        return {
            tenant: reason
            for tenant, reason in failures.items()
            if reason is not None and reason not in damaged_reasons
        }

    def damaged(self) -> set[TenantId]:
        """Return the tenants whose files were found damaged when they were used last."""
        failures = {tenant: entry.file.failure for tenant, entry in self._files.items()}
        found = {tenant for tenant, reason in failures.items() if reason in damaged_reasons}
        return found | self._damaged

    def path(self, tenant: TenantId) -> Path:
        """Return where the tenant's file lies. Raises `InvalidTenantId`."""
        return self._directory / tenant_id(tenant) / "main.db"

    async def close(self) -> None:
        """Finish what is queued and close every file; later calls raise `StoreUnavailable`."""
        self._closed = True
        for tenant in list(self._files):
            self._start_closing(tenant)
        while self._closing:
            await asyncio.gather(*self._closing.values(), return_exceptions=True)
        await asyncio.to_thread(self._stop)

    async def _admit(self, tenant: TenantId) -> _Open:
        tenant_id(tenant)
        if self.admit is not None:
            await self.admit(tenant)
        try:
            return await self._acquire(tenant)
        except MigrationFailed as error:
            raise TenantUnavailable("failed") from error

    async def _run(self, entry: _Open, crew: Crew[Job], lane: Lane[Job], job: Job) -> Any:
        try:
            refuse_when_full(self.kind, lane, self._options)
        except StoreUnavailable:
            self._release(entry)
            raise
        # A thread may still be at work when the caller has left: the file is held until then.
        job.settled = lambda: self._release(entry)
        crew.submit(lane, job)
        return await job.future

    async def _acquire(self, tenant: TenantId) -> _Open:
        # No thread is left that would open a file, and its caller would wait for ever.
        if self._closed:
            raise StoreUnavailable(self.kind, "it is closed")
        entry = self._files.get(tenant) or self._open(tenant)
        while entry is None:
            entry = await self._wait_for_room(tenant)
        self._files.move_to_end(tenant)
        # Counted before the wait, so that nobody closes a file that is being opened.
        entry.held += 1
        entry.idle.clear()
        if not entry.opened.done():
            try:
                await asyncio.shield(entry.opened)
            except BaseException:
                self._release(entry)
                raise
        return entry

    async def _wait_for_room(self, tenant: TenantId) -> _Open | None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()
            raise
        entry = self._files.get(tenant)
        if entry is not None:
            self._next()  # No room was taken: the turn goes to the next in the queue.
            return entry
        return self._open(tenant)

    def _next(self) -> None:
        """Let the first of those who wait for room look again."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _release(self, entry: _Open) -> None:
        entry.held -= 1
        if entry.held == 0:
            entry.idle.set()
            self._next()

    def _open(self, tenant: TenantId) -> _Open | None:
        """Begin to open the file, or return None when there is no room for it yet."""
        if len(self._files) + len(self._closing) >= self._options.open_files_max:
            idle = next((key for key, entry in self._files.items() if entry.held == 0), None)
            if idle is not None:
                self._start_closing(idle)
            return None
        if tenant in self._closing:
            return None
        file = StoreFile(
            self.kind,
            self.path(tenant),
            options=self._options,
            clock=self._clock,
            settle=lambda jobs: announce(self.kind, jobs, self._hooks),
            readers=_readers_per_file_max,
            cache=_cache,
        )
        entry = _Open(file)
        entry.opened = asyncio.ensure_future(self._prepare(tenant, file))
        # Whoever waits sees the failure; without anybody it must not be called unretrieved.
        entry.opened.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._files[tenant] = entry
        return entry

    async def _prepare(self, tenant: TenantId, file: StoreFile) -> None:
        try:
            await self._in_thread(lambda: _make(file, self._clock))
        except BaseException as error:
            self._files.pop(tenant, None)
            self._next()
            if isinstance(error, MigrationFailed) and self.failed is not None:
                await self.failed(tenant, str(error))
            raised = store_unavailable(self.kind, file.path, error)
            if raised is None:
                raise
            if raised.damaged and tenant not in self._damaged:
                _log.error(
                    "store.failed", store=self.kind, file=str(file.path), reason=raised.reason
                )
                self._damaged.add(tenant)
            raise raised from error
        self._damaged.discard(tenant)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run `work` in a writer thread, which alone may use the file's connection."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def serve(_jobs: list[Job]) -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - it rises in the loop
                loop.call_soon_threadsafe(_fail, future, error)
            else:
                loop.call_soon_threadsafe(_succeed, future, result)

        lane: Lane[Job] = Lane(serve, width=1, batch_max=1)
        self._writers.submit(lane, Job(TenantId(""), lambda _tx: None, None, loop))
        return await future

    def _start_closing(self, tenant: TenantId) -> None:
        entry = self._files.pop(tenant)
        self._closing[tenant] = asyncio.ensure_future(self._close_file(tenant, entry))

    async def _close_file(self, tenant: TenantId, entry: _Open) -> None:
        clean = False
        try:
            await asyncio.wait([entry.opened])
            if entry.held:
                await entry.idle.wait()
            clean = await self._in_thread(lambda: _close(entry.file, tenant))
        finally:
            self.groups_closed.update(entry.file.groups)
            del self._closing[tenant]
            if self.marker is not None:
                self.marker.closed(tenant, clean=clean)
            self._next()

    def _stop(self) -> None:
        self._writers.stop(seconds=_stop_seconds_max)
        self._readers.stop(seconds=_stop_seconds_max)


def _make(file: StoreFile, clock: Clock) -> None:
    directory = file.path.parent
    is_new = not file.path.exists()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        upgrade_connection(file.writer(), StoreKind.TENANT, clock.now())
    except BaseException:
        file.close()
        raise
    if is_new:
        # A file whose directory entry is lost with the power would be lost with it.
        _sync(directory)
        _sync(directory.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _close(file: StoreFile, tenant: TenantId) -> bool:
    """Close the file; return whether everything in it was delivered."""
    try:
        row = file.writer().execute(_UNDELIVERED, {"tenant_id": tenant}).fetchone()
    finally:
        file.close()
    return row is None


_UNDELIVERED = """
    SELECT 1 FROM stream_heads WHERE tenant_id = :tenant_id AND seq > published_seq
    UNION ALL
    SELECT 1 FROM audit_outbox WHERE tenant_id = :tenant_id AND delivered_at IS NULL
    LIMIT 1
"""


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
