"""Tells features where mail to a member goes."""

from __future__ import annotations

from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Database, Tx
from tidemill.identity.contract import Contact
from tidemill.identity.members.repository import MemberRepository
from tidemill.identity.tenants.repository import TenantRepository
from tidemill.identity.users.repository import UserRepository


class ContactService:
    """See `Contacts`."""

    def __init__(self, control: Database) -> None:
        self._control = control
        self._members = MemberRepository()
        self._users = UserRepository()
        self._tenants = TenantRepository()

    async def contact(self, tenant_id: TenantId, user_id: UserId) -> Contact | None:
        """See `Contacts.contact`."""

        def use_case(tx: Tx) -> Contact | None:
            if self._members.member(tx, user_id) is None:
                return None
            user = self._users.find(tx, user_id)
            tenant = self._tenants.find(tx, tenant_id)
            if user is None or tenant is None or user.disabled_at is not None:
                return None
            return Contact(
                email=user.email,
                name=user.name,
                time_zone=user.time_zone,
                tenant_name=tenant.name,
            )

        return await self._control.read(tenant_id, use_case)
