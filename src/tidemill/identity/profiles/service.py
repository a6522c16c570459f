"""What people can do with their own account."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor, Role
from tidemill.core.errors import TidemillError
from tidemill.core.ids import UserId
from tidemill.core.ports import Database, Tx
from tidemill.http.parameters import VersionChanged, check_version
from tidemill.identity.announcements.service import AnnouncementService
from tidemill.identity.errors import UserNotFound
from tidemill.identity.members.models import TenantMembership, bound_to
from tidemill.identity.members.repository import MemberRepository
from tidemill.identity.tenants.models import Tenant
from tidemill.identity.tenants.repository import TenantRepository
from tidemill.identity.users.models import ProfileChanges, User, profile_of, with_profile
from tidemill.identity.users.repository import UserRepository

_tenants_max: Final = 200


class Me(Struct, frozen=True, kw_only=True):
    """A person in a tenant, and where else it belongs."""

    user: User
    tenant: Tenant
    role: Role | None
    tenants: tuple[TenantMembership, ...]


class ProfileService:
    """Use cases of one's own account."""

    def __init__(self, control: Database, announcements: AnnouncementService) -> None:
        self._control = control
        self._announcements = announcements
        self._users = UserRepository()
        self._members = MemberRepository()
        self._tenants = TenantRepository()

    async def me(self, *, actor: Actor) -> Me:
        """Return the person behind the actor; raises `UserNotFound`."""

        def use_case(tx: Tx) -> Me:
            user = self._own(tx, actor)
            tenant = self._tenants.find(tx, actor.tenant_id)
            if tenant is None:
                raise UserNotFound
            tenants = self._members.of_user(tx, user.id, only=bound_to(actor), limit=_tenants_max)
            return Me(user=user, tenant=tenant, role=actor.role, tenants=tuple(tenants))

        return await self._control.read(actor.tenant_id, use_case)

    async def change_profile(
        self, changes: ProfileChanges, *, expected_version: int | None, actor: Actor
    ) -> User:
        """Change name, picture, time zone or visibility; every tenant hears of the first two."""

        def use_case(tx: Tx) -> tuple[User, bool]:
            user = self._own(tx, actor, lock=True)
            check_version(user.version, expected_version)
            wanted = with_profile(user, changes, tx.now)
            if wanted is user:
                return user, False
            if not self._users.save_profile(tx, wanted):
                raise VersionChanged(expected=user.version, current=user.version + 1)
            tx.audit(
                "identity.users.change",
                by=actor,
                resource=f"user:{user.id}",
                before=profile_of(user),
                after=profile_of(wanted),
            )
            self._announcements.announce_in(tx)
            return wanted, wanted.profile_version != user.profile_version

        user, seen = await self._control.write(actor.tenant_id, use_case)
        if seen:
            await self._tell_others(user.id)
        return user

    async def _tell_others(self, user_id: UserId) -> None:
        try:
            await self._announcements.announce_user(user_id)
        except TidemillError:
            return  # The change stands; the next sweep tells the tenants that are away now.

    def _own(self, tx: Tx, actor: Actor, *, lock: bool = False) -> User:
        user = self._users.find(tx, actor.user_id, lock=lock) if actor.user_id else None
        if user is None:
            raise UserNotFound
        return user
