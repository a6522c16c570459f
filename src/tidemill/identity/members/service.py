"""What one can do with the members of one's tenant."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import structs

from tidemill.core.actor import Actor, Role
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.http import check_version
from tidemill.identity.contract import MemberRemoved, MemberRoleChanged, Person
from tidemill.identity.errors import InvalidEmail, LastOwner, MemberNotFound
from tidemill.identity.grants.cache import GrantCache
from tidemill.identity.guest_links.service import revoke_links_of
from tidemill.identity.members.models import (
    Member,
    Membership,
    check_reach,
    roles_out_of_reach,
    shows_address,
)
from tidemill.identity.members.repository import MemberRepository
from tidemill.identity.tokens.repository import ApiTokenRepository
from tidemill.identity.users.models import email_address


class MemberService:
    """Use cases of members. Changes end within 2 s what they no longer allow."""

    def __init__(self, control: Database, grants: GrantCache) -> None:
        self._control = control
        self._grants = grants
        self._members = MemberRepository()
        self._tokens = ApiTokenRepository()

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Member]:
        """Return the members, the oldest account first."""
        after = after_text(page) or ""

        def use_case(tx: Tx) -> list[Member]:
            return self._members.page(tx, after=after, limit=page.limit_plus_one)

        found = await self._control.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda member: (member.user_id,))

    async def get(self, user_id: UserId, *, actor: Actor) -> Member:
        """Return a member; raises `MemberNotFound`."""

        def use_case(tx: Tx) -> Member:
            member = self._members.member(tx, user_id)
            if member is None:
                raise MemberNotFound
            return member

        return await self._control.read(actor.tenant_id, use_case)

    async def set_role(
        self, user_id: UserId, role: Role, *, expected_version: int | None = None, actor: Actor
    ) -> Member:
        """Give a member another role.

        Raises `RoleTooHigh`, `LastOwner` and, where `expected_version` is not the current one,
        `VersionChanged`.
        """

        def use_case(tx: Tx) -> Member:
            membership = self._reachable(tx, user_id, role, actor=actor)
            check_version(membership.version, expected_version, born=membership.joined_at)
            old = membership.as_role
            if old is not role:
                if old is Role.OWNER:
                    self._keep_an_owner(tx, user_id)
                self._members.set_role(tx, user_id, role)
                self._members.end_invitations(tx, user_id, roles_out_of_reach(role))
                tx.record(MemberRoleChanged(user_id=user_id, old_role=old, new_role=role), by=actor)
                tx.audit(
                    "identity.members.change",
                    by=actor,
                    resource=f"user:{user_id}",
                    before={"role": old},
                    after={"role": role},
                )
                if old.rank >= Role.ADMIN.rank > role.rank:
                    # Or the links of who owned every project would go on in those of others.
                    revoke_links_of(tx, user_id, by=actor)
                self._grants.end_membership(tx, user_id)
            member = self._members.member(tx, user_id)
            if member is None:
                raise MemberNotFound
            return member

        return await self._control.write(actor.tenant_id, use_case)

    async def remove(
        self, user_id: UserId, *, expected_version: int | None = None, actor: Actor
    ) -> None:
        """Remove a member, its tokens, guest links and invitations here; anybody may leave."""

        def use_case(tx: Tx) -> None:
            if user_id == actor.user_id:
                self._members.lock(tx)
                membership = self._existing(tx, user_id)
            else:
                membership = self._reachable(tx, user_id, actor=actor)
            check_version(membership.version, expected_version, born=membership.joined_at)
            if membership.as_role is Role.OWNER:
                self._keep_an_owner(tx, user_id)
            self._members.remove(tx, user_id)
            # Or whoever was removed would come back by a link of its own.
            self._members.end_invitations(tx, user_id, roles_out_of_reach(None))
            for prefix in self._tokens.revoke_all(tx, user_id):
                self._grants.end_api_token(tx, prefix)
            # Or whoever was removed would go on reading by a link of its own.
            revoke_links_of(tx, user_id, by=actor)
            tx.record(MemberRemoved(user_id=user_id), by=actor)
            tx.audit(
                "identity.members.remove",
                by=actor,
                resource=f"user:{user_id}",
                before={"role": membership.role},
            )
            self._grants.end_membership(tx, user_id)

        await self._control.write(actor.tenant_id, use_case)

    async def find_member(self, tenant_id: TenantId, user_id: UserId) -> Person | None:
        """See `Identity.find_member`."""
        member = await self._control.read(tenant_id, lambda tx: self._members.member(tx, user_id))
        return _person(member)

    async def find_by_email(self, email: str, *, by: Actor) -> Person | None:
        """See `Identity.find_by_email`."""
        try:
            key = email_address(email).key
        except InvalidEmail:
            return None
        member = await self._control.read(
            by.tenant_id, lambda tx: self._members.with_email(tx, key)
        )
        return _person(member) if member is not None and shows_address(member, by) else None

    async def addresses(self, user_ids: Collection[str], *, by: Actor) -> Mapping[str, str]:
        """See `Identity.addresses`."""

        def use_case(tx: Tx) -> list[Member | None]:
            return [self._members.member(tx, UserId(user_id)) for user_id in user_ids]

        members = await self._control.read(by.tenant_id, use_case)
        return {
            member.user_id: member.email
            for member in members
            if _person(member) is not None and member is not None and shows_address(member, by)
        }

    async def unknown_tenants(self, tenant_ids: Collection[str]) -> Sequence[str]:
        """Return those of the ids that no tenant of this installation has."""
        known = await self._control.read(
            INSTALLATION, lambda tx: self._members.tenants_among(tx, tenant_ids)
        )
        return sorted(set(tenant_ids) - known)

    async def acting_for(self, user_id: UserId, *, by: Actor) -> Actor:
        """See `Identity.acting_for`."""
        person = await self.find_member(by.tenant_id, user_id)
        if person is None:
            raise MemberNotFound
        return structs.replace(by, user_id=user_id, role=person.role, on_behalf_of=user_id)

    def _reachable(self, tx: Tx, user_id: UserId, *roles: Role, actor: Actor) -> Membership:
        self._members.lock(tx)
        membership = self._existing(tx, user_id)
        check_reach(self._members.role_of(tx, actor), membership.as_role, *roles)
        return membership

    def _existing(self, tx: Tx, user_id: UserId) -> Membership:
        membership = self._members.find(tx, user_id)
        if membership is None:
            raise MemberNotFound
        return membership

    def _keep_an_owner(self, tx: Tx, user_id: UserId) -> None:
        if not self._members.has_other_owner(tx, user_id):
            raise LastOwner


def _person(member: Member | None) -> Person | None:
    """Return an active member as others see it."""
    if member is None or member.disabled_at is not None:
        return None
    return Person(
        user_id=member.user_id,
        name=member.name,
        avatar=member.avatar,
        role=Role(member.role),
        time_zone=member.time_zone,
    )
