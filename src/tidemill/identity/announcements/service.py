"""Tells the streams of tenants what happened to people and tenants elsewhere.

A person's profile is one row, and many tenants show it; a transaction touches one tenant. So each
membership keeps which profile its tenant was told, and this service tells the rest, right away or,
after a crash, at the next sweep.
"""

from __future__ import annotations

from tidemill.core.actor import Actor, ActorKind, Role, system
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.core.ports import Database, Tx
from tidemill.identity.announcements.repository import AnnouncementRepository
from tidemill.identity.contract import MemberAdded, TenantCreated, UserProfileChanged


class AnnouncementService:
    """Records facts in every tenant that they concern."""

    def __init__(self, control: Database) -> None:
        self._control = control
        self._announcements = AnnouncementRepository()

    async def announce(self, tenant_id: TenantId) -> None:
        """Tell the tenant's stream all that it has not heard."""
        await self._control.write(tenant_id, self.announce_in)

    async def announce_user(self, user_id: UserId) -> None:
        """Tell every tenant of the person about its profile."""
        behind = await self._control.read(
            INSTALLATION, lambda tx: self._announcements.behind(tx, user_id)
        )
        for tenant_id in behind:
            await self.announce(tenant_id)

    async def sweep(self) -> None:
        """Tell what a crash left untold."""
        for tenant_id in await self._control.read(INSTALLATION, self._announcements.behind):
            await self.announce(tenant_id)

    def announce_in(self, tx: Tx) -> None:
        """Record what the transaction's tenant has not heard."""
        tenant = self._announcements.new_tenant(tx)
        by = system("identity", tx.tenant_id)
        if tenant is not None:
            by = _founder(tx.tenant_id, tenant.created_by) or by
            tx.record(TenantCreated(id=tx.tenant_id, name=tenant.name, slug=tenant.slug), by=by)
            tx.audit(
                "identity.tenants.create",
                by=by,
                resource=f"tenant:{tx.tenant_id}",
                after={"name": tenant.name, "slug": tenant.slug},
            )
        for member in self._announcements.unheard(tx):
            if not self._announcements.heard(tx, member):
                continue
            if member.told == 0:
                tx.record(
                    MemberAdded(
                        user_id=member.user_id,
                        name=member.name,
                        avatar=member.avatar,
                        role=Role(member.role),
                    ),
                    by=by,
                )
            else:
                tx.record(
                    UserProfileChanged(
                        user_id=member.user_id, name=member.name, avatar=member.avatar
                    ),
                    by=_founder(tx.tenant_id, member.user_id) or by,
                )


def _founder(tenant_id: TenantId, user_id: UserId | None) -> Actor | None:
    if user_id is None:
        return None
    return Actor(kind=ActorKind.USER, id=user_id, tenant_id=tenant_id, user_id=user_id)
