"""What other features may know of identity: facts, people, and the rights of jobs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import ClassVar, Final, Protocol, Self

from msgspec import Struct, structs

from tidemill.core.actor import Actor, Role
from tidemill.core.authorization import Permission
from tidemill.core.clock import Instant
from tidemill.core.facts import Fact, Topic, topic
from tidemill.core.ids import TenantId, UserId
from tidemill.core.module import Port
from tidemill.core.pages import Page, PageRequest
from tidemill.core.ports import Once

CHANGED_SIGNING_KEY: Final = "signing_key"
CHANGED_WORKER_TOKEN: Final = "worker_token"  # noqa: S105 - a kind of change, not a secret


class IdentityFact(Fact, frozen=True, kw_only=True):
    """Base of identity's facts."""

    feature: ClassVar[str] = "identity"


class UserRegistered(IdentityFact, frozen=True, kw_only=True):
    """A person got an account, by this tenant's invitation or as the first owner."""

    user_id: UserId

    @property
    def subject(self) -> str:
        """Return the user's id."""
        return self.user_id


class UserProfileChanged(IdentityFact, frozen=True, kw_only=True):
    """A member has another name or picture."""

    user_id: UserId
    name: str
    avatar: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the user."""
        return (topic("user", self.user_id),)

    @property
    def subject(self) -> str:
        """Return the user's id."""
        return self.user_id


class TenantCreated(IdentityFact, frozen=True, kw_only=True):
    """The tenant exists; the first fact of its stream."""

    id: TenantId
    name: str
    slug: str

    @property
    def subject(self) -> str:
        """Return the tenant's id."""
        return self.id


class TenantChanged(IdentityFact, frozen=True, kw_only=True):
    """The tenant has another name or slug."""

    id: TenantId
    name: str
    slug: str

    @property
    def subject(self) -> str:
        """Return the tenant's id."""
        return self.id


class MemberAdded(IdentityFact, frozen=True, kw_only=True):
    """A person belongs to the tenant now."""

    user_id: UserId
    name: str
    avatar: str | None
    role: Role

    def topics(self) -> tuple[Topic, ...]:
        """Return the user."""
        return (topic("user", self.user_id),)

    @property
    def subject(self) -> str:
        """Return the user's id."""
        return self.user_id


class MemberRoleChanged(IdentityFact, frozen=True, kw_only=True):
    """A member may do more or less than before."""

    user_id: UserId
    old_role: Role
    new_role: Role

    def topics(self) -> tuple[Topic, ...]:
        """Return the user."""
        return (topic("user", self.user_id),)

    @property
    def subject(self) -> str:
        """Return the user's id."""
        return self.user_id


class MemberRemoved(IdentityFact, frozen=True, kw_only=True):
    """A person does not belong to the tenant any more."""

    user_id: UserId

    def topics(self) -> tuple[Topic, ...]:
        """Return the user."""
        return (topic("user", self.user_id),)

    @property
    def subject(self) -> str:
        """Return the user's id."""
        return self.user_id


class GuestLinkFact(IdentityFact, frozen=True, kw_only=True):
    """Base of what is told of what lets somebody without an account read a project."""

    project_id: str
    guest_link_id: str
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (topic("project", self.project_id),)

    @property
    def subject(self) -> str:
        """Return the link's id."""
        return self.guest_link_id


class GuestLinkCreated(GuestLinkFact, frozen=True, kw_only=True):
    """Whoever has the link may read the project now."""

    name: str


class GuestLinkRevoked(GuestLinkFact, frozen=True, kw_only=True):
    """The link lets nobody in any more."""


class GuestLink(Struct, frozen=True):
    """What lets somebody without an account read one project, in the order of its columns."""

    tenant_id: TenantId
    id: str
    project_id: str
    prefix: str
    name: str
    created_by: str
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None = None
    revoked_at: Instant | None = None


class NewGuestLink(Struct, frozen=True, kw_only=True):
    """A link that was just made; `text` is shown this once."""

    link: GuestLink
    text: str | None

    def without_secret(self) -> Self:
        """Return what a replay of the request may see."""
        return structs.replace(self, text=None)


class GuestLinks(Protocol):
    """Links by which guests read projects; whoever calls has asked who may make them."""

    async def create(
        self,
        project_id: str,
        name: str,
        *,
        expires_in_days: int,
        actor: Actor,
        once: Once[NewGuestLink] | None = None,
    ) -> NewGuestLink:
        """Make a link; its secret is in the answer and nowhere else."""
        ...

    async def list(self, project_id: str, page: PageRequest, *, actor: Actor) -> Page[GuestLink]:
        """Return the links of a project, the oldest first."""
        ...

    async def revoke(self, project_id: str, link_id: str, *, actor: Actor) -> None:
        """End a link, in every process within 2 s; one that has ended stays so.

        Raises `GuestLinkNotFound`.
        """
        ...

    async def revoke_of(self, project_id: str, user_id: str, *, actor: Actor) -> None:
        """End the links of a project that somebody made."""
        ...


class Person(Struct, frozen=True, kw_only=True):
    """A member of a tenant as others see it."""

    user_id: UserId
    name: str
    avatar: str | None
    role: Role
    time_zone: str = "UTC"


class Contact(Struct, frozen=True, kw_only=True):
    """Where mail to a member of a tenant goes, and in which time zone its day begins."""

    email: str
    name: str
    time_zone: str
    tenant_name: str


class Contacts(Protocol):
    """Tells where mail to members goes."""

    async def contact(self, tenant_id: TenantId, user_id: UserId) -> Contact | None:
        """Return where mail goes, None for who is no member or whose account is closed."""
        ...


class Identity(Protocol):
    """What identity does for the features above it."""

    async def find_member(self, tenant_id: TenantId, user_id: UserId) -> Person | None:
        """Return the member, or None when the person does not belong to the tenant."""
        ...

    async def find_by_email(self, email: str, *, by: Actor) -> Person | None:
        """Return the member with this address in the tenant of `by`.

        None when there is none, or when `by` may not see the address.
        """
        ...

    async def addresses(self, user_ids: Collection[str], *, by: Actor) -> Mapping[str, str]:
        """Return the e-mail addresses of members of the tenant of `by`, which it may see."""
        ...

    async def unknown_tenants(self, tenant_ids: Collection[str]) -> Sequence[str]:
        """Return those of the ids that no tenant of this installation has."""
        ...

    async def acting_for(self, user_id: UserId, *, by: Actor) -> Actor:
        """Return `by` with the rights that the person has in `by`'s tenant at this moment.

        For work that runs long after its author left, such as schedules. Raises
        `MemberNotFound` when the person does not belong to the tenant any more.
        """
        ...


class JobTokens(Protocol):
    """Credentials of running jobs: the rights of their actor and no more."""

    def issue_job_token(
        self,
        actor: Actor,
        job_id: str,
        *,
        epoch: int = 0,
        ttl_seconds: float = 3600,
        began_at: Instant | None = None,
    ) -> str:
        """Return a token for the execution `epoch` of a job; raises `JobTokenNeedsPerson`.

        It ends after `ttl_seconds`, or when `JOB_LIVENESS` says that this execution is over,
        whichever comes first. Where `actor` goes back to a log-in, it counts only while the
        account has the password and state of that log-in; where it goes back to an API token, only
        if that one had not expired when the execution `began_at`, by default at this moment. Does
        no I/O.
        """
        ...

    async def check_starter(self, actor: Actor) -> None:
        """Return when something new may begin by what a job goes back to.

        `actor` is a job, or who started one, as it was then. Raises `Forbidden` when the account
        got a new password or was closed since, or the API token has expired or was revoked.
        """
        ...


class JobLiveness(Protocol):
    """Says whether a job runs; filled by the feature that owns jobs."""

    async def is_running(self, tenant_id: TenantId, job_id: str, epoch: int) -> bool:
        """Return whether this execution of the job is under way."""
        ...


class WorkerRights(Struct, frozen=True, kw_only=True):
    """What the workers of a token may take: None for tags or tenants means all of them."""

    token_id: str
    name: str
    tags: tuple[str, ...] | None = None
    tenants: tuple[TenantId, ...] | None = None


class WorkerTokens(Protocol):
    """Lets workers on other machines in; a revocation is told as `CHANGED_WORKER_TOKEN`."""

    async def rights(self, text: str) -> WorkerRights:
        """Return what the worker with this token may take.

        Raises `Unauthenticated` when there is no such token, `Forbidden` when it has ended.
        """
        ...

    async def still_valid(self, token_ids: Iterable[str]) -> frozenset[str]:
        """Return those tokens that still count, and remember that they are in use."""
        ...


class OwnerSetup(Protocol):
    """Makes the first owner of an installation."""

    async def link(self) -> str | None:
        """Return a fresh one-time link that makes the first owner, None when there is one."""
        ...

    async def link_missed(self) -> None:
        """Wait until somebody on this machine looks for the link, which scrolled away."""
        ...

    async def create_first_owner(
        self, *, email: str, password: str, name: str = "", tenant_name: str = ""
    ) -> UserId:
        """Make the first owner and a tenant; raises `OwnerExists` and `WeakPassword`."""
        ...


class Scopes(Protocol):
    """The scopes that API tokens may carry."""

    def learn(self, permissions: Iterable[Permission]) -> None:
        """Add the resource scopes that `permissions` name; the runtime does so for all modules."""
        ...


GUEST_LINKS: Final[Port[GuestLinks]] = Port("guest_links")
CONTACTS: Final[Port[Contacts]] = Port("contacts")
IDENTITY: Final[Port[Identity]] = Port("identity")
JOB_TOKENS: Final[Port[JobTokens]] = Port("job_tokens")
JOB_LIVENESS: Final[Port[JobLiveness]] = Port("job_liveness")
WORKER_TOKENS: Final[Port[WorkerTokens]] = Port("worker_tokens")
OWNER_SETUP: Final[Port[OwnerSetup]] = Port("owner_setup")
SCOPES: Final[Port[Scopes]] = Port("scopes")
