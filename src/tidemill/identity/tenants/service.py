"""What one can do with tenants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from tidemill.core.actor import Actor, Role
from tidemill.core.clock import seconds_after
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, TenantStores, Tx
from tidemill.core.store_errors import ConstraintViolated
from tidemill.http.parameters import VersionChanged, check_version
from tidemill.identity.announcements.service import AnnouncementService
from tidemill.identity.contract import TenantChanged
from tidemill.identity.errors import MemberNotFound, SlugTaken, TenantUnknown
from tidemill.identity.members.models import TenantMembership, bound_to
from tidemill.identity.members.repository import MemberRepository
from tidemill.identity.tenants.models import Tenant, TenantChanges, changed, new_tenant, slug_of
from tidemill.identity.tenants.repository import TenantRepository

log = structlog.get_logger(__name__)

_store_seconds_max: Final = 30


class TenantService:
    """Use cases of tenants; one sees those that one belongs to."""

    def __init__(
        self, control: Database, stores: TenantStores, announcements: AnnouncementService
    ) -> None:
        self._control = control
        self._stores = stores
        self._announcements = announcements
        self._tenants = TenantRepository()
        self._members = MemberRepository()

    async def create(
        self, name: str, slug: str | None, *, actor: Actor, once: Once[Tenant] | None = None
    ) -> Tenant:
        """Make a tenant with its store; the person behind the actor becomes its owner.

        Its name suggests the slug where none is given, which may be taken as any other.
        Raises `InvalidName`, `InvalidSlug`, `SlugTaken`.
        """
        owner = actor.user_id
        if owner is None:
            raise MemberNotFound

        def use_case(tx: Tx) -> Tenant:
            tenant = self.add(tx, name, slug_of(name) if slug is None else slug, owner=owner)
            tx.audit(
                "identity.tenants.create",
                by=actor,
                resource=f"tenant:{tenant.id}",
                after={"name": tenant.name, "slug": tenant.slug},
            )
            return tenant

        tenant = await self._control.write(INSTALLATION, use_case, once=once)
        return await self.complete(tenant.id)

    def add(self, tx: Tx, name: str, slug: str, *, owner: UserId) -> Tenant:
        """Insert a tenant and its first owner; `complete` makes its store."""
        tenant = new_tenant(TenantId(tx.new_id()), name, slug, by=owner, now=tx.now)
        if not self._tenants.add(tx, tenant):
            raise SlugTaken(slug)
        self._members.add(tx, owner, Role.OWNER, tenant_id=tenant.id, profile_version=0)
        return tenant

    async def complete(self, tenant_id: TenantId) -> Tenant:
        """Make the tenant's store and tell its stream; safe to repeat."""
        await self._stores.provision(tenant_id)
        await self._announcements.announce(tenant_id)
        return await self._control.read(tenant_id, lambda tx: self._existing(tx, tenant_id))

    async def complete_late(self) -> None:
        """Make the stores that could not be made when their tenants were."""

        def use_case(tx: Tx) -> Sequence[TenantId]:
            return self._tenants.without_store(tx, seconds_after(tx.now, -_store_seconds_max))

        for tenant_id in await self._control.read(INSTALLATION, use_case):
            try:
                await self.complete(tenant_id)
            except TidemillError as error:
                log.warning("identity.tenants.no_store", tenant_id=tenant_id, reason=error.message)

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[TenantMembership]:
        """Return the tenants that the person belongs to; of those a token sees its own only."""
        after = after_text(page) or ""
        user_id = actor.user_id or UserId("")

        def use_case(tx: Tx) -> list[TenantMembership]:
            return self._members.of_user(
                tx, user_id, only=bound_to(actor), after=after, limit=page.limit_plus_one
            )

        found = await self._control.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda tenant: (tenant.tenant_id,))

    async def get(self, tenant_id: TenantId, *, actor: Actor) -> Tenant:
        """Return a tenant that the person belongs to; raises `TenantUnknown`."""

        def use_case(tx: Tx) -> Tenant:
            if tenant_id != actor.tenant_id and (
                bound_to(actor)
                or actor.user_id is None
                or self._members.find(tx, actor.user_id) is None
            ):
                raise TenantUnknown
            return self._existing(tx, tenant_id)

        return await self._control.read(tenant_id, use_case)

    async def change(
        self,
        tenant_id: TenantId,
        changes: TenantChanges,
        *,
        expected_version: int | None,
        actor: Actor,
    ) -> Tenant:
        """Change name or slug of the actor's own tenant; raises `TenantUnknown`, `SlugTaken`."""
        if tenant_id != actor.tenant_id:
            raise TenantUnknown

        def use_case(tx: Tx) -> Tenant:
            self._members.lock(tx)
            tenant = self._existing(tx, tenant_id)
            check_version(tenant.version, expected_version)
            wanted = changed(tenant, changes, tx.now)
            if wanted is tenant:
                return tenant
            if not self._tenants.slug_is_free(tx, wanted.slug, besides=tenant_id):
                raise SlugTaken(wanted.slug)
            if not self._tenants.save(tx, wanted):
                raise VersionChanged(expected=tenant.version, current=tenant.version + 1)
            tx.record(TenantChanged(id=tenant_id, name=wanted.name, slug=wanted.slug), by=actor)
            tx.audit(
                "identity.tenants.change",
                by=actor,
                resource=f"tenant:{tenant_id}",
                before={"name": tenant.name, "slug": tenant.slug},
                after={"name": wanted.name, "slug": wanted.slug},
            )
            return wanted

        try:
            return await self._control.write(tenant_id, use_case)
        except ConstraintViolated as error:
            raise SlugTaken(str(changes.slug)) from error

    def _existing(self, tx: Tx, tenant_id: TenantId) -> Tenant:
        tenant = self._tenants.find(tx, tenant_id)
        if tenant is None:
            raise TenantUnknown
        return tenant
