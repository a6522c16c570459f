"""Makes the first owner: by a one-time link, by the configuration, or by a command."""

from __future__ import annotations

import asyncio
import ipaddress

from msgspec import Struct

from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.clock import seconds_after
from tidemill.core.config import Config, ConfigRefused
from tidemill.core.errors import InvalidInput, RuleViolation
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.core.ports import Database, Tx
from tidemill.identity.contract import UserRegistered
from tidemill.identity.errors import (
    EmailTaken,
    OwnerExists,
    SetupNotLocal,
    SetupTicketInvalid,
    UserNotFound,
)
from tidemill.identity.login.models import Device, Entry
from tidemill.identity.login.service import LoginService
from tidemill.identity.opaque import Presented, SecretKind, mint, presented
from tidemill.identity.passwords import policy
from tidemill.identity.passwords.hasher import PasswordHasher
from tidemill.identity.setup.repository import SetupTicketRepository
from tidemill.identity.tenants.models import slug_of, valid_slug
from tidemill.identity.tenants.service import TenantService
from tidemill.identity.users.models import email_address, new_user, valid_name
from tidemill.identity.users.repository import UserRepository


class NewOwner(Struct, frozen=True, kw_only=True):
    """What the first owner says of itself and its tenant."""

    email: str
    password: str
    name: str
    tenant_name: str
    tenant_slug: str


class SetupService:
    """Use cases of the set-up, of which one ever succeeds. A `Service`: see `start`."""

    def __init__(
        self,
        control: Database,
        passwords: PasswordHasher,
        tenants: TenantService,
        login: LoginService,
        config: Config,
    ) -> None:
        self._control = control
        self._passwords = passwords
        self._tenants = tenants
        self._login = login
        self._auth = config.auth
        self._owner = config.owner
        self._public_url = config.public_url
        self._users = UserRepository()
        self._tickets = SetupTicketRepository()
        self._missed = asyncio.Event()

    async def link(self) -> str | None:
        """See `OwnerSetup.link`."""
        return await self.open_link()

    async def link_missed(self) -> None:
        """See `OwnerSetup.link_missed`."""
        await self._missed.wait()
        self._missed.clear()

    async def create_first_owner(
        self, *, email: str, password: str, name: str = "", tenant_name: str = ""
    ) -> UserId:
        """See `OwnerSetup.create_first_owner`."""
        name = name or email.partition("@")[0]
        tenant_name = tenant_name or f"{name}'s team"
        return await self.create_owner(
            NewOwner(
                email=email,
                password=password,
                name=name,
                tenant_name=tenant_name,
                tenant_slug=slug_of(tenant_name),
            )
        )

    async def start(self) -> None:
        """Make the owner that the configuration names, when there is none yet.

        Raises `ConfigRefused`.
        """
        if self._owner.email and self._owner.password and not await self.has_owner():
            try:
                await self.create_first_owner(
                    email=self._owner.email, password=self._owner.password
                )
            except OwnerExists:
                return
            except (InvalidInput, RuleViolation) as error:
                problem = f"owner.email and owner.password make no owner: {error.message}"
                raise ConfigRefused([problem]) from error

    async def stop(self) -> None:
        """Nothing to end."""

    async def has_owner(self) -> bool:
        """Return whether the installation has its first owner."""
        return await self._control.read(INSTALLATION, self._users.has_owner)

    async def open_link(self) -> str | None:
        """Return a fresh one-time link, or None when there is an owner."""
        minted = mint(SecretKind.SETUP_TICKET)
        seconds = self._auth.setup_ticket_minutes * 60

        def use_case(tx: Tx) -> bool:
            if self._users.has_owner(tx):
                return False
            self._tickets.add(
                tx,
                id_=minted.prefix,
                secret_hash=minted.secret_hash,
                expires_at=seconds_after(tx.now, seconds),
            )
            return True

        if not await self._control.write(INSTALLATION, use_case):
            return None
        return f"{self._public_url}/setup?ticket={minted.text}"

    async def ask_link(self, origin: Origin) -> None:
        """Let whoever printed the link print another; raises `SetupNotLocal`, `OwnerExists`."""
        self._check_place(origin)
        if await self.has_owner():
            raise OwnerExists
        self._missed.set()

    async def check_ticket(self, ticket: str, origin: Origin) -> None:
        """Return when the ticket holds here; raises `SetupTicketInvalid`, `SetupNotLocal`."""
        self._check_place(origin)
        shown = _shown(ticket)
        await self._control.read(INSTALLATION, lambda tx: self._check(tx, shown))

    async def redeem(self, ticket: str, owner: NewOwner, device: Device, origin: Origin) -> Entry:
        """Make the first owner by a ticket, and open its session.

        A refusal for a weak password or a bad name leaves the ticket as it was.
        """
        self._check_place(origin)
        shown = _shown(ticket)
        await self._control.read(INSTALLATION, lambda tx: self._check(tx, shown))
        user_id, tenant_id = await self._make(owner, origin, ticket=shown)
        return await self._enter(user_id, tenant_id, device, origin)

    async def create_owner(self, owner: NewOwner, origin: Origin | None = None) -> UserId:
        """Make the first owner without a ticket: for the configuration and the command line.

        Raises `OwnerExists`.
        """
        user_id, _ = await self._make(owner, origin or Origin(), ticket=None)
        return user_id

    async def _make(
        self, owner: NewOwner, origin: Origin, *, ticket: Presented | None
    ) -> tuple[UserId, TenantId]:
        address = email_address(owner.email)
        name = valid_name(owner.name)
        tenant_name = valid_name(owner.tenant_name)
        slug = valid_slug(owner.tenant_slug)
        password = policy.check(
            owner.password,
            length_min=self._auth.password_length_min,
            context=(name, address.text, tenant_name),
        )
        password_hash = await self._passwords.hash(password)

        def use_case(tx: Tx) -> tuple[UserId, TenantId]:
            if ticket is not None:
                self._check(tx, ticket)
                if not self._tickets.use(tx, ticket.prefix):
                    raise SetupTicketInvalid
            user_id = UserId(tx.new_id())
            user = new_user(user_id, address, name=name, password_hash=password_hash, now=tx.now)
            if self._users.has_owner(tx):
                raise OwnerExists
            if not self._users.add(tx, user):
                raise EmailTaken
            if not self._users.claim_first_owner(tx, user_id):
                raise OwnerExists
            tenant = self._tenants.add(tx, tenant_name, slug, owner=user_id)
            by = Actor(
                kind=ActorKind.USER,
                id=user_id,
                tenant_id=INSTALLATION,
                user_id=user_id,
                role=Role.OWNER,
                origin=origin,
            )
            tx.record(UserRegistered(user_id=user_id), by=by)
            tx.audit(
                "identity.owners.create",
                by=by,
                resource=f"user:{user_id}",
                after={"tenant_id": tenant.id, "slug": slug},
            )
            return user_id, tenant.id

        user_id, tenant_id = await self._control.write(INSTALLATION, use_case)
        await self._tenants.complete(tenant_id)
        return user_id, tenant_id

    async def _enter(
        self, user_id: UserId, tenant_id: TenantId, device: Device, origin: Origin
    ) -> Entry:
        def use_case(tx: Tx) -> Entry:
            user = self._users.find(tx, user_id)
            if user is None:
                raise UserNotFound
            return self._login.open(tx, user, Role.OWNER, device, origin)

        return await self._control.write(tenant_id, use_case)

    def _check(self, tx: Tx, shown: Presented) -> None:
        stored = self._tickets.secret_hash(tx, shown.prefix)
        if stored is None or not shown.matches(stored) or self._users.has_owner(tx):
            raise SetupTicketInvalid

    def _check_place(self, origin: Origin) -> None:
        if self._auth.setup_loopback_only and not _is_local(origin.address):
            raise SetupNotLocal


def _shown(ticket: str) -> Presented:
    shown = presented(SecretKind.SETUP_TICKET, ticket)
    if shown is None:
        raise SetupTicketInvalid
    return shown


def _is_local(address: str | None) -> bool:
    if address == "local":
        return True  # A Unix socket.
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
