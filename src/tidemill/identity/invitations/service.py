"""Invites people, and lets them in."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from tidemill.core.actor import Actor, Origin, Role
from tidemill.core.clock import seconds_after
from tidemill.core.config.sections.people import Auth
from tidemill.core.ids import INSTALLATION, UserId
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Mail, Once, Tx
from tidemill.identity.contract import MemberAdded, UserRegistered
from tidemill.identity.errors import (
    AlreadyMember,
    EmailTaken,
    InvitationInvalid,
    InvitationNotFound,
    RegistrationClosed,
    RoleTooHigh,
    TenantUnknown,
    UserNotFound,
)
from tidemill.identity.grants.cache import GrantCache
from tidemill.identity.invitations.models import (
    Invitation,
    InvitationKind,
    NewInvitation,
    uses_of,
)
from tidemill.identity.invitations.repository import InvitationRepository
from tidemill.identity.letters.service import Letters
from tidemill.identity.login.entries import person
from tidemill.identity.login.models import Device, Entry
from tidemill.identity.login.service import LoginService
from tidemill.identity.members.models import check_reach, roles_out_of_reach
from tidemill.identity.members.repository import MemberRepository
from tidemill.identity.opaque import Presented, SecretKind, mint, presented
from tidemill.identity.passwords import policy
from tidemill.identity.passwords.hasher import PasswordHasher
from tidemill.identity.tenants.repository import TenantRepository
from tidemill.identity.users.models import User, email_address, new_user, valid_name
from tidemill.identity.users.repository import UserRepository


class Wanted(Struct, frozen=True, kw_only=True):
    """What an invitation shall be."""

    kind: InvitationKind
    role: Role
    email: str | None = None
    max_uses: int | None = None
    expires_in_days: int | None = None


class Registration(Struct, frozen=True, kw_only=True):
    """What a new person says of itself."""

    token: str
    email: str
    name: str
    password: str


class Preview(Struct, frozen=True, kw_only=True):
    """What an invitation says before it is accepted."""

    tenant_name: str
    role: Role
    email: str | None


class InvitationService:
    """Use cases of invitations. Accepting one is one transaction, however many try at once."""

    def __init__(  # noqa: PLR0913 - the parts of identity that meet here
        self,
        control: Database,
        grants: GrantCache,
        passwords: PasswordHasher,
        login: LoginService,
        letters: Letters,
        *,
        auth: Auth,
        public_url: str,
        registration_open: Callable[[], bool],
    ) -> None:
        self._control = control
        self._grants = grants
        self._passwords = passwords
        self._login = login
        self._letters = letters
        self._auth = auth
        self._public_url = public_url
        self._registration_open = registration_open
        self._invitations = InvitationRepository()
        self._members = MemberRepository()
        self._tenants = TenantRepository()
        self._users = UserRepository()

    async def create(
        self, wanted: Wanted, *, actor: Actor, once: Once[NewInvitation] | None = None
    ) -> NewInvitation:
        """Invite people to the actor's tenant; one with an address gets a letter.

        Raises `InvalidInvitation`, and `RoleTooHigh` for a role above the actor's.
        """
        check_reach(actor.role, wanted.role)
        email = email_address(wanted.email).text if wanted.email is not None else None
        uses = uses_of(wanted.kind, email, wanted.max_uses)
        days = wanted.expires_in_days or self._auth.invitation_days

        def use_case(tx: Tx) -> NewInvitation:
            self._members.lock(tx)
            if wanted.role in roles_out_of_reach(self._members.role_of(tx, actor)):
                raise RoleTooHigh
            minted = mint(SecretKind.INVITATION)
            invitation = Invitation(
                tx.tenant_id,
                tx.new_id(),
                minted.prefix,
                minted.secret_hash,
                wanted.kind,
                wanted.role,
                email,
                uses,
                0,
                actor.user_id or UserId(actor.id),
                tx.now,
                seconds_after(tx.now, days * 86_400),
            )
            self._invitations.add(tx, invitation)
            tx.audit(
                "identity.invitations.create",
                by=actor,
                resource=f"invitation:{invitation.id}",
                after={"kind": wanted.kind, "role": wanted.role, "max_uses": uses},
            )
            if email is not None:
                tenant = self._tenants.find(tx, tx.tenant_id)
                letter = self._letter(email, tenant.name if tenant else "", minted.text, days)
                self._letters.add(tx, letter, expires_at=invitation.expires_at)
            return NewInvitation(invitation=invitation, token=minted.text)

        return await self._control.write(actor.tenant_id, use_case, once=once)

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Invitation]:
        """Return the tenant's invitations, the oldest first."""
        after = after_text(page) or ""

        def use_case(tx: Tx) -> list[Invitation]:
            return self._invitations.page(tx, after=after, limit=page.limit_plus_one)

        found = await self._control.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda invitation: (invitation.id,))

    async def revoke(self, invitation_id: str, *, actor: Actor) -> None:
        """End an invitation; raises `InvitationNotFound`."""

        def use_case(tx: Tx) -> None:
            if self._invitations.find(tx, invitation_id) is None:
                raise InvitationNotFound
            if self._invitations.revoke(tx, invitation_id):
                tx.audit(
                    "identity.invitations.revoke",
                    by=actor,
                    resource=f"invitation:{invitation_id}",
                )

        await self._control.write(actor.tenant_id, use_case)

    async def preview(self, token: str) -> Preview:
        """Return what an invitation says; raises `InvitationInvalid`."""
        shown = _shown(token)

        def use_case(tx: Tx) -> Preview:
            invitation = self._valid(tx, shown)
            tenant = self._tenants.find(tx, invitation.tenant_id)
            if tenant is None:
                raise InvitationInvalid
            return Preview(
                tenant_name=tenant.name, role=Role(invitation.role), email=invitation.email
            )

        return await self._control.read(INSTALLATION, use_case)

    async def register(self, registration: Registration, device: Device, origin: Origin) -> Entry:
        """Make an account by an invitation, and open its first session.

        Raises `RegistrationClosed`, `InvitationInvalid`, `EmailTaken`, `WeakPassword`.
        """
        if not self._registration_open():
            raise RegistrationClosed
        shown = _shown(registration.token)
        address = email_address(registration.email)
        name = valid_name(registration.name)
        password = policy.check(
            registration.password,
            length_min=self._auth.password_length_min,
            context=(name, address.text),
        )
        invitation = await self._control.read(INSTALLATION, lambda tx: self._valid(tx, shown))
        if not invitation.suits(address.key):
            raise InvitationInvalid
        password_hash = await self._passwords.hash(password)

        def use_case(tx: Tx) -> Entry:
            user = new_user(
                UserId(tx.new_id()),
                address,
                name=name,
                password_hash=password_hash,
                now=tx.now,
            )
            if not self._users.add(tx, user):
                raise EmailTaken
            role = self._join(tx, shown, user, origin)
            tx.record(
                UserRegistered(user_id=user.id),
                by=person(user.id, tx.tenant_id, role, "", origin),
            )
            return self._login.open(tx, user, role, device, origin)

        return await self._control.write(invitation.tenant_id, use_case)

    async def accept(
        self, token: str, *, actor: Actor, once: Once[Invitation] | None = None
    ) -> Invitation:
        """Let the person behind the actor join another tenant.

        Raises `InvitationInvalid` and `AlreadyMember`.
        """
        shown = _shown(token)
        # Sent again under its key, it is used up: whether it holds is asked where it is accepted.
        invitation = await self._control.read(INSTALLATION, lambda tx: self._known(tx, shown))

        def use_case(tx: Tx) -> Invitation:
            user = self._users.find(tx, actor.user_id) if actor.user_id else None
            if user is None:
                raise UserNotFound
            self._join(tx, shown, user, actor.origin)
            return invitation

        return await self._control.write(invitation.tenant_id, use_case, once=once)

    def _join(self, tx: Tx, shown: Presented, user: User, origin: Origin) -> Role:
        """Use the invitation, add the member and tell it, all in the tenant's transaction."""
        invitation = self._valid(tx, shown)
        if invitation.tenant_id != tx.tenant_id:
            raise TenantUnknown
        if not invitation.suits(user.email_key):
            raise InvitationInvalid
        role = Role(invitation.role)
        if not self._members.add(
            tx, user.id, role, tenant_id=tx.tenant_id, profile_version=user.profile_version
        ):
            raise AlreadyMember
        if not self._invitations.use(tx, invitation.id, user.id):
            raise InvitationInvalid
        by = person(user.id, tx.tenant_id, role, "", origin)
        tx.record(
            MemberAdded(user_id=user.id, name=user.name, avatar=user.avatar, role=role), by=by
        )
        tx.audit(
            "identity.invitations.accept",
            by=by,
            resource=f"invitation:{invitation.id}",
            after={"user_id": user.id, "role": role},
        )
        self._grants.end_membership(tx, user.id)
        return role

    def _valid(self, tx: Tx, shown: Presented) -> Invitation:
        invitation = self._known(tx, shown)
        if not invitation.holds(tx.now):
            raise InvitationInvalid
        return invitation

    def _known(self, tx: Tx, shown: Presented) -> Invitation:
        invitation = self._invitations.find_by_prefix(tx, shown.prefix)
        if invitation is None or not shown.matches(invitation.secret_hash):
            raise InvitationInvalid
        return invitation

    def _letter(self, email: str, tenant_name: str, token: str, days: int) -> Mail:
        return Mail(
            to=email,
            subject=f"You are invited to {tenant_name} on Tidemill",
            text=(
                f"Hello,\n\nyou are invited to work with {tenant_name} on Tidemill. Accept within "
                f"{days} days:\n\n{self._public_url}/join?token={token}\n"
            ),
        )


def _shown(token: str) -> Presented:
    shown = presented(SecretKind.INVITATION, token)
    if shown is None:
        raise InvitationInvalid
    return shown
