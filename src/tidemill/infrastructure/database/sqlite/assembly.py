"""Puts the SQLite stores together."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from tidemill.core.clock import Clock
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import StoreKind, Tx
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.figures import DAMAGED_TENANTS, StoreFigures
from tidemill.infrastructure.database.invalidations import ChangeFollower
from tidemill.infrastructure.database.migrations import discover
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.owner_lock import OwnerLock
from tidemill.infrastructure.database.provisioning import Provisioner
from tidemill.infrastructure.database.registry import Placement, Registry
from tidemill.infrastructure.database.sqlite.connection import store_unavailable
from tidemill.infrastructure.database.sqlite.database import Hooks, SqliteStore
from tidemill.infrastructure.database.sqlite.file import StoreFile
from tidemill.infrastructure.database.sqlite.migrating import upgrade_connection
from tidemill.infrastructure.database.sqlite.tenants import SqliteTenants
from tidemill.infrastructure.database.sqlite.wakeups import SqliteWakeups

probe_seconds_max: Final = 1.0
"""Whoever asks for the health of the stores waits two seconds at most, and wants a reason."""


class SqliteStores:
    """See `Stores`."""

    dialect = "sqlite"

    def __init__(self, options: DatabaseOptions, clock: Clock, lock: OwnerLock) -> None:
        directory = options.data_dir
        self._options = options
        self._lock = lock
        self._clock = clock
        control_hooks, jobs_hooks, tenant_hooks = Hooks(), Hooks(), Hooks()
        self.control = SqliteStore(
            StoreKind.CONTROL, directory / "control.db", options, clock, control_hooks
        )
        self.jobs = SqliteStore(StoreKind.JOBS, directory / "jobs.db", options, clock, jobs_hooks)
        self.tenants = SqliteTenants(directory / "tenants", options, clock, tenant_hooks)
        self.timings = {
            StoreKind.CONTROL: control_hooks.timings,
            StoreKind.JOBS: jobs_hooks.timings,
            StoreKind.TENANT: tenant_hooks.timings,
        }
        self.wakeups = SqliteWakeups(self.control, self.jobs)
        self.invalidations = ChangeFollower(
            self.control,
            clock,
            poll_seconds=options.poll_seconds,
            keep_hours=options.changes_hours,
        )
        self.registry = Registry(self.control)
        self.tenant_stores = Provisioner(self.registry, _FileMaker(self.tenants))
        self._tasks: set[asyncio.Task[None]] = set()
        for hooks in (control_hooks, jobs_hooks, tenant_hooks):
            hooks.dirty = self.wakeups.announce
        control_hooks.changed = self.invalidations.wake
        self.tenants.marker = self.wakeups
        self.tenants.admit = self.registry.active
        self.tenants.failed = self._failed
        self.wakeups.reopen = self._close_later

    async def start(self) -> None:
        """Migrate the shared files, follow changes, finish what a crash interrupted."""
        # The directories between are made with it, and with the modes that the process has.
        (self._options.data_dir / "tenants").mkdir(mode=0o700, exist_ok=True)
        for store in (self.control, self.jobs):
            await asyncio.to_thread(_migrate, store.file, self._clock)
        self.registry.follow(self.invalidations)
        await self.invalidations.start()
        await self.tenant_stores.ensure_installation()
        await self.tenant_stores.resume()

    async def close(self) -> None:
        """See `Stores.close`."""
        for task in list(self._tasks):
            task.cancel()
        await self.invalidations.stop()
        await self.tenants.close()
        await self.jobs.close()
        await self.control.close()
        self._lock.release()

    async def health(self) -> Mapping[str, str | None]:
        """See `Stores.health`."""
        control, jobs, tenants = await asyncio.gather(
            self._reason(self.control), self._reason(self.jobs), self._tenants_reason()
        )
        reasons: dict[str, str | None] = {
            StoreKind.CONTROL: control,
            StoreKind.JOBS: jobs,
            StoreKind.TENANT: tenants or control,
        }
        damage = self._damage()
        return reasons if damage is None else {**reasons, DAMAGED_TENANTS: damage}

    def figures(self) -> list[StoreFigures]:
        """See `Stores.figures`."""
        shared = [
            StoreFigures(
                store=store.kind,
                groups=dict(store.file.groups),
                queue_depth=store.queue_depth(),
                open_files=1,
                wal_bytes=_wal_bytes(store.file),
            )
            for store in (self.control, self.jobs)
        ]
        files = self.tenants.open_files()
        groups: Counter[int] = Counter(self.tenants.groups_closed)
        for file in files:
            groups.update(file.groups)
        tenants = StoreFigures(
            store=StoreKind.TENANT,
            groups=dict(groups),
            queue_depth=sum(len(f.writes.waiting) + len(f.reads.waiting) for f in files),
            open_files=len(files),
            wal_bytes=sum(_wal_bytes(file) for file in files),
        )
        return [*shared, tenants]

    async def _failed(self, tenant: TenantId, reason: str) -> None:
        await self.registry.set_state(tenant, "failed", reason=reason[:500])

    def _close_later(self, tenant: TenantId) -> None:
        """Open a closed file once more, so that it closes clean and its row goes."""
        if self.tenants.is_open(tenant):
            return
        task = asyncio.create_task(self._touch(tenant))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _touch(self, tenant: TenantId) -> None:
        try:
            await self.tenants.open(tenant)
        except TidemillError:
            return  # The row stays, and the next start looks again.

    def _damage(self) -> str | None:
        count = len(self.tenants.damaged())
        if count == 0:
            return None
        whose = "the file of one tenant is" if count == 1 else f"the files of {count} tenants are"
        return f"{whose} damaged; tidemill doctor says which"

    async def _tenants_reason(self) -> str | None:
        for tenant, known in self.tenants.failing().items():
            try:
                reason = await _still_failing(self.tenants.write(tenant, _probe), known)
            except TidemillError:
                continue  # The tenant itself is not active: that says nothing of the machine.
            if reason is not None:
                return reason
        return None

    async def _reason(self, store: SqliteStore) -> str | None:
        if shutil.disk_usage(self._options.data_dir).free < self._options.free_bytes_min:
            return "the disk is full"
        known = store.file.failure
        if known is not None:
            reason = await _still_failing(store.write(INSTALLATION, _probe), known)
            if reason is not None:
                return reason
        try:
            await store.read(INSTALLATION, lambda tx: tx.one("SELECT 1"))
        except StoreUnavailable as error:
            return error.reason
        return None


async def _still_failing(write: Coroutine[Any, Any, object], known: str) -> str | None:
    """Return why a store takes no writes, which only a write can show; None where it does again.

    A write that waits behind others for a lock tells nothing new: what is `known` holds.
    """
    try:
        async with asyncio.timeout(probe_seconds_max):
            await write
    except TimeoutError:
        return known
    except StoreUnavailable as error:
        return error.reason
    return None


def _probe(tx: Tx) -> None:
    tx.execute(_PROBE)


_PROBE = """
    INSERT INTO idempotency_keys (tenant_id, scope, key, fingerprint, result, created_at)
    VALUES (:tenant_id, 'health', 'probe', '', '', 0)
    ON CONFLICT (tenant_id, scope, key) DO UPDATE SET created_at = idempotency_keys.created_at + 1
"""


class _FileMaker:
    """A tenant's store is a file, made when it is opened first."""

    def __init__(self, tenants: SqliteTenants) -> None:
        self._tenants = tenants

    async def choose(self, tenant: TenantId) -> tuple[str, str | None, str | None]:
        """See `Maker.choose`."""
        del tenant
        return "file", None, None

    async def make(self, placement: Placement) -> int:
        """See `Maker.make`."""
        await self._tenants.open(placement.tenant_id)
        return self.version()

    def version(self) -> int:
        """See `Maker.version`."""
        return max((m.version for m in discover("sqlite", StoreKind.TENANT)), default=0)


async def open_sqlite(options: DatabaseOptions, clock: Clock) -> SqliteStores:
    """Open the stores below `options.data_dir`; see `open_stores`."""
    lock = await asyncio.to_thread(OwnerLock.acquire, options.data_dir)
    stores = SqliteStores(options, clock, lock)
    try:
        await stores.start()
    except BaseException:
        await stores.close()
        raise
    return stores


def _migrate(file: StoreFile, clock: Clock) -> None:
    try:
        upgrade_connection(file.writer(), file.kind, clock.now())
    except Exception as error:
        raised = store_unavailable(file.kind, file.path, error, shows_path=True)
        if raised is None:
            raise
        raise raised from error


def _wal_bytes(file: StoreFile) -> int:
    try:
        return file.path.with_name(file.path.name + "-wal").stat().st_size
    except OSError:
        return 0
