"""The registry of tenants: what state each store is in, and where it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Change, Database, Invalidations, Row, Tx
from tidemill.core.store_errors import ConstraintViolated, TenantNotFound, TenantUnavailable

change_kind: Final = "tenant"
"""The kind of change under which a tenant's row is cached; its key is the tenant's id."""

_verify_after_seconds: Final = 5.0
_cache_max: Final = 20_000

_PLACEMENT: Final = """
    SELECT id, state, state_reason, placement_kind, placement_dsn, placement_schema,
           schema_version
    FROM tenants
    WHERE id = :tenant_id
"""
_UNFINISHED: Final = """
    SELECT id FROM tenants
    WHERE state IN ('provisioning', 'migrating', 'failed') AND id > :after
    ORDER BY id
    LIMIT 500
"""
_BY_ID: Final = """
    SELECT id, state, state_reason, placement_kind, placement_dsn, placement_schema,
           schema_version
    FROM tenants
    WHERE id > :after AND placement_kind IS NOT NULL
    ORDER BY id
    LIMIT 500
"""
# Any unique key, not the id alone: of two that insert the same row at once, PostgreSQL may tell the
# second of whichever key it meets first.
_REGISTER: Final = """
    INSERT INTO tenants (id, name, slug, state, created_at, updated_at)
    VALUES (:tenant_id, :tenant_id, :tenant_id, 'provisioning', :now, :now)
    ON CONFLICT DO NOTHING
"""
_PLACE: Final = """
    UPDATE tenants
    SET placement_kind = :kind, placement_dsn = :dsn, placement_schema = :schema,
        updated_at = :now, version = version + 1
    WHERE id = :tenant_id AND placement_kind IS NULL
"""
_SET_STATE: Final = """
    UPDATE tenants
    SET state = :state, state_reason = :reason, updated_at = :now, version = version + 1,
        schema_version = COALESCE(CAST(:schema_version AS BIGINT), schema_version)
    WHERE id = :tenant_id AND state NOT IN ('suspended', 'deleting')
"""
_PLACED_IN: Final = """
    SELECT COUNT(*) FROM tenants WHERE placement_dsn = :dsn AND placement_kind = 'schema'
"""


class Placement(Struct, frozen=True):
    """A tenant's row, as far as its store is concerned."""

    tenant_id: TenantId
    state: str
    reason: str | None
    kind: str | None
    dsn: str | None
    schema: str | None
    schema_version: int = 0


class Registry:
    """Reads and changes the tenants' rows; placements are cached until a change says otherwise."""

    def __init__(self, control: Database) -> None:
        self._control = control
        self._cache: dict[TenantId, Placement] = {}
        self._invalidations: Invalidations | None = None
        self._epoch = 0

    def follow(self, invalidations: Invalidations) -> None:
        """Drop cached placements as `invalidations` says."""
        self._invalidations = invalidations
        invalidations.on_change(change_kind, self._forget)
        invalidations.on_reset(self._forget_all)

    async def active(self, tenant: TenantId) -> Placement:
        """Return the placement of an active tenant.

        Raises `TenantNotFound` or `TenantUnavailable`.
        """
        placement = self._cache.get(tenant)
        if placement is None or self._is_stale():
            placement = await self.look_up(tenant)
        if placement.state != "active":
            raise TenantUnavailable(placement.state)
        return placement

    async def look_up(self, tenant: TenantId) -> Placement:
        """Return the tenant's row as it is now. Raises `TenantNotFound`."""
        epoch = self._epoch
        row = await self._control.read(tenant, lambda tx: tx.one(_PLACEMENT))
        if row is None:
            raise TenantNotFound
        placement = Placement(*row)
        # A change that came while the row was read may be newer than the row.
        if epoch == self._epoch:
            if len(self._cache) >= _cache_max:
                self._cache.clear()
            self._cache[tenant] = placement
        return placement

    async def register(self, tenant: TenantId) -> Placement:
        """Make the tenant's row where there is none, and return it.

        Raises `ConstraintViolated` when another tenant has the id as its slug, or in another case.
        """

        def use_case(tx: Tx) -> Placement:
            if tx.execute(_REGISTER):
                tx.invalidate(change_kind, tenant)
            row = tx.one(_PLACEMENT)
            if row is None:
                raise ConstraintViolated("tenants.id")
            return Placement(*row)

        return await self._control.write(tenant, use_case)

    async def place(
        self, tenant: TenantId, *, kind: str, dsn: str | None, schema: str | None
    ) -> Placement:
        """Decide where the tenant's store lies, unless that was decided before."""

        def use_case(tx: Tx) -> Placement:
            if tx.execute(_PLACE, kind=kind, dsn=dsn, schema=schema):
                tx.invalidate(change_kind, tenant)
            row = tx.one(_PLACEMENT)
            if row is None:
                raise TenantNotFound
            return Placement(*row)

        return await self._control.write(tenant, use_case)

    async def set_state(
        self,
        tenant: TenantId,
        state: str,
        *,
        reason: str | None = None,
        schema_version: int | None = None,
    ) -> None:
        """Move the tenant to `state`; what is suspended or being deleted stays so."""

        def use_case(tx: Tx) -> None:
            if tx.execute(_SET_STATE, state=state, reason=reason, schema_version=schema_version):
                tx.invalidate(change_kind, tenant)

        await self._control.write(tenant, use_case)
        self._drop(tenant)

    async def schemas_in(self, dsn: str) -> int:
        """Return how many tenants have a schema of their own in the database `dsn`."""
        row = await self._control.read(INSTALLATION, lambda tx: tx.one(_PLACED_IN, dsn=dsn))
        return int(row[0]) if row else 0

    async def unfinished(self) -> list[TenantId]:
        """Return the tenants whose stores were being made or migrated, or failed."""
        found: list[TenantId] = []
        while page := await self._control.read(
            INSTALLATION, _page(_UNFINISHED, found[-1] if found else "")
        ):
            found.extend(TenantId(row[0]) for row in page)
        return found

    async def placed(self) -> list[Placement]:
        """Return every tenant that has a store."""
        found: list[Placement] = []
        while page := await self._control.read(
            INSTALLATION, _page(_BY_ID, found[-1].tenant_id if found else "")
        ):
            found.extend(Placement(*row) for row in page)
        return found

    def _is_stale(self) -> bool:
        follower = self._invalidations
        return follower is not None and follower.age_seconds() > _verify_after_seconds

    def _forget(self, change: Change) -> None:
        self._drop(TenantId(change.key))

    def _drop(self, tenant: TenantId) -> None:
        self._epoch += 1
        self._cache.pop(tenant, None)

    def _forget_all(self) -> None:
        self._epoch += 1
        self._cache.clear()


def _page(sql: str, after: str) -> Callable[[Tx], Sequence[Row]]:
    return lambda tx: tx.all(sql, after=after)
