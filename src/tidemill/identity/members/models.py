"""Who belongs to a tenant with which role, and who may change that."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor, ActorKind, Role
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.identity.errors import RoleTooHigh
from tidemill.identity.permissions import WRITE_INVITATIONS

_BOUND: Final = frozenset({ActorKind.API_TOKEN, ActorKind.JOB, ActorKind.AGENT})


def bound_to(actor: Actor) -> str:
    """Return the only tenant that the credential speaks for; empty for a person's own session."""
    return actor.tenant_id if actor.kind in _BOUND else ""


class Membership(Struct, frozen=True):
    """A person's belonging to a tenant."""

    tenant_id: TenantId
    user_id: UserId
    role: str
    joined_at: Instant
    version: int

    @property
    def as_role(self) -> Role:
        """Return the role."""
        return Role(self.role)


class Member(Struct, frozen=True):
    """A member as lists show it."""

    user_id: UserId
    role: str
    joined_at: Instant
    version: int
    name: str
    avatar: str | None
    email: str
    time_zone: str
    visibility: str
    disabled_at: Instant | None
    last_login_at: Instant | None


def knows_all_of(member: Member, actor: Actor) -> bool:
    """Return whether `actor` is the member itself, or manages members."""
    return actor.user_id == member.user_id or (
        actor.role is not None and actor.role.rank >= Role.ADMIN.rank
    )


def shows_address(member: Member, to: Actor) -> bool:
    """Return whether `to` may see the member's e-mail address."""
    return member.visibility != "private" or knows_all_of(member, to)


class OwnedTenant(Struct, frozen=True):
    """A tenant that a person owns."""

    id: TenantId
    name: str
    slug: str


class TenantMembership(Struct, frozen=True):
    """A tenant that a person belongs to."""

    tenant_id: TenantId
    name: str
    slug: str
    state: str
    role: str
    joined_at: Instant


def check_reach(acting: Role | None, *roles: Role) -> None:
    """Return when `acting` is at least each of `roles`; raises `RoleTooHigh`."""
    if acting is None or any(role.rank > acting.rank for role in roles):
        raise RoleTooHigh


def roles_out_of_reach(role: Role | None) -> tuple[Role, ...]:
    """Return the roles that a member with `role` may not invite people to; None for no member."""
    if role is None or role.rank < WRITE_INVITATIONS.role.rank:
        return tuple(Role)
    return tuple(other for other in Role if other.rank > role.rank)
