"""Brings stores to this release's schema and back, one by one or many tenants at a time.

    async with open_migrator(options, clock) as migrator:
        await migrator.upgrade()
        report = await migrator.upgrade_tenants(parallel=4, progress=show)

Nothing else may have a SQLite data directory open meanwhile: its owner lock is taken. Whoever only
looks, by `open_inspector`, reads beside the process that holds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from msgspec import Struct

from tidemill.core.clock import Clock
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import StoreKind, Tx
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.migrations import (
    Finding,
    MigrationFailed,
    discover,
    lint,
    pending,
    to_undo,
)
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.targets import Backend, Target

T = TypeVar("T")

parallel_max: Final = 16


class StoreStatus(Struct, frozen=True, kw_only=True):
    """How far one store is."""

    store: str
    kind: StoreKind
    version: int
    pending: tuple[str, ...]
    unknown: tuple[int, ...]
    problem: str | None = None
    damaged: bool = False


class Undoing(Struct, frozen=True, kw_only=True):
    """What going back to a version would take from a store: its migrations, last first."""

    store: str
    version: int
    undone: tuple[str, ...]


class StoreNotFound(ValueError):
    """The installation has no store of that name."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"There is no store {store!r} here. There are control, jobs, and one for each tenant, "
            "by the id that `tidemill db status --tenants` lists."
        )


class Failure(Struct, frozen=True, kw_only=True):
    """A store that could not be migrated; it is as it was."""

    store: str
    reason: str


class Report(Struct, frozen=True, kw_only=True):
    """What a run over all tenants did."""

    done: int
    total: int
    failures: tuple[Failure, ...]


class Progress(Struct, frozen=True, kw_only=True):
    """How far a run over all tenants is."""

    done: int
    total: int
    store: str


class Inspector:
    """Looks at the schemas of one installation, and changes nothing."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def status(self, *, tenants: bool = False) -> list[StoreStatus]:
        """Return how far the shared stores are, and with `tenants` those of all tenants.

        One that cannot be read says so in its `problem`, and the others are read.
        """
        targets = [*self._backend.shared()]
        if tenants:
            targets += await self._tenants_if_readable()
        return [await self._status_or_problem(target) for target in targets]

    async def tenant_status(self, *, limit: int) -> tuple[list[StoreStatus], int]:
        """Return how far the first `limit` stores of tenants are, and how many stores there are.

        Problems are told as `status` does. Raises `StoreUnavailable` for the control store.
        """
        targets = await self._tenants()
        return [await self._status_or_problem(one) for one in targets[:limit]], len(targets)

    async def check(self) -> list[str]:
        """Return what is wrong, in sentences: pending, changed or unsafe migrations."""
        problems = [f"{found.file}: {found.reason} in an expand file" for found in check_files()]
        for status in await self.status(tenants=True):
            if status.problem:
                problems.append(status.problem)
            elif status.pending:
                problems.append(f"{status.store} lacks {', '.join(status.pending)}.")
        return problems

    async def read_control(self, use_case: Callable[[Tx], T]) -> T | None:
        """Return what `use_case` reads for the installation; None where its store is not current.

        Raises `StoreUnavailable`.
        """
        status = await self._status(self._backend.shared()[0])
        if status.pending or status.problem:
            return None
        return await self._backend.control.read(INSTALLATION, use_case)

    async def _tenants_if_readable(self) -> Sequence[Target]:
        try:
            return await self._tenants()
        except StoreUnavailable:
            return ()  # The status of the control store, which names them, says why.

    async def _tenants(self) -> Sequence[Target]:
        control = self._backend.shared()[0]
        return await self._backend.of_tenants() if await control.applied() else ()

    async def _status_or_problem(self, target: Target) -> StoreStatus:
        try:
            return await self._status(target)
        except StoreUnavailable as error:
            return StoreStatus(
                store=target.name,
                kind=target.kind,
                version=0,
                pending=(),
                unknown=(),
                problem=error.message,
                damaged=error.damaged,
            )

    async def _status(self, target: Target) -> StoreStatus:
        applied = await target.applied()
        known = discover(self._backend.dialect, target.kind)
        problem = None
        try:
            missing = pending(known, applied, store=target.name)
        except MigrationFailed as error:
            missing, problem = [], str(error)
        numbers = {migration.version for migration in known}
        return StoreStatus(
            store=target.name,
            kind=target.kind,
            version=max(applied, default=0),
            pending=tuple(migration.label for migration in missing),
            unknown=tuple(sorted(set(applied) - numbers)),
            problem=problem,
        )


class Migrator(Inspector):
    """Migrates the stores of one installation."""

    async def upgrade(self) -> dict[str, int]:
        """Bring the control and jobs stores to this release; return their versions.

        Raises `MigrationFailed`.
        """
        return {target.name: await target.upgrade() for target in self._backend.shared()}

    async def downgrade(self, store: str, target: int) -> int:
        """Bring `control`, `jobs` or a tenant's store back to version `target`.

        What the migrations above it hold is lost; `undoing` tells which they are. Raises
        `MigrationFailed` and `StoreNotFound`.
        """
        found = await self._named(store)
        version = await found.downgrade(target)
        for tenant in found.tenants:
            await self._backend.registry.set_state(tenant, "active", schema_version=version)
        return version

    async def undoing(self, store: str, target: int) -> Undoing:
        """Return what `downgrade` would take back, and change nothing.

        Raises `MigrationFailed`, `StoreNotFound`, and `ValueError` for a version ahead of it.
        """
        found = await self._named(store)
        applied = await found.applied()
        version = max(applied, default=0)
        if target > version:
            raise ValueError(f"{store} is at version {version}: it cannot go back to {target}.")
        undone = to_undo(discover(self._backend.dialect, found.kind), applied, target)
        return Undoing(
            store=store, version=version, undone=tuple(migration.label for migration in undone)
        )

    async def _named(self, store: str) -> Target:
        for each in self._backend.shared():
            if each.name == store:
                return each
        for each in await self._tenants():
            if store in (each.name, *each.tenants):
                return each
        raise StoreNotFound(store)

    async def upgrade_tenants(
        self, *, parallel: int = 4, progress: Callable[[Progress], None] = lambda _progress: None
    ) -> Report:
        """Bring every tenant's store to this release; what fails is reported, the rest goes on.

        It may be interrupted and run again: what is done is skipped.
        """
        targets = await self._tenants()
        failures: list[Failure] = []
        slots = asyncio.Semaphore(max(1, min(parallel, parallel_max)))
        done = 0

        async def one(target: Target) -> None:
            nonlocal done
            async with slots:
                reason = await self._upgrade_one(target)
            if reason is not None:
                failures.append(Failure(store=target.name, reason=reason))
            done += 1
            progress(Progress(done=done, total=len(targets), store=target.name))

        await asyncio.gather(*(one(target) for target in targets))
        ordered = tuple(sorted(failures, key=lambda failure: failure.store))
        return Report(done=len(targets) - len(failures), total=len(targets), failures=ordered)

    async def _upgrade_one(self, target: Target) -> str | None:
        registry = self._backend.registry
        try:
            status = await self._status(target)
            if status.problem is not None:
                return status.problem
            version = status.version
            if status.pending:
                for tenant in target.tenants:
                    await registry.set_state(tenant, "migrating")
                version = await target.upgrade()
        except (MigrationFailed, TidemillError) as error:
            for tenant in target.tenants:
                await registry.set_state(tenant, "failed", reason=str(error)[:500])
            return str(error)
        for tenant in target.tenants:
            row = await registry.look_up(tenant)
            if row.state != "active" or row.schema_version != version:
                await registry.set_state(tenant, "active", schema_version=version)
        return None


def check_files() -> list[Finding]:
    """Return what expand files hold that an older release could not live with."""
    return list(lint())


@asynccontextmanager
async def open_inspector(options: DatabaseOptions, clock: Clock) -> AsyncIterator[Inspector]:
    """Reach the stores of `options`, whoever else uses them. Raises `StoreUnavailable`."""
    backend: Backend
    if options.url is None:
        from tidemill.infrastructure.database.sqlite import maintenance as sqlite  # noqa: PLC0415 - only what is used is loaded

        backend = sqlite.look_into(options, clock)
    else:
        backend = await _on_postgres(options, clock)
    try:
        yield Inspector(backend)
    finally:
        await backend.close()


@asynccontextmanager
async def open_migrator(options: DatabaseOptions, clock: Clock) -> AsyncIterator[Migrator]:
    """Reach the stores of `options`. Raises `DataDirectoryInUse` and `StoreUnavailable`."""
    backend: Backend
    if options.url is None:
        from tidemill.infrastructure.database.sqlite import maintenance as sqlite  # noqa: PLC0415 - only what is used is loaded

        backend = await sqlite.reach(options, clock)
    else:
        backend = await _on_postgres(options, clock)
    try:
        yield Migrator(backend)
    finally:
        await backend.close()


async def _on_postgres(options: DatabaseOptions, clock: Clock) -> Backend:
    from tidemill.infrastructure.database.postgres import maintenance as postgres  # noqa: PLC0415 - only what is used is loaded

    return await postgres.reach(options, clock)
