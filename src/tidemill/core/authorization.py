"""The one decision: may this actor do that? Deny by default.

Every route and every use case that a person can reach names a `Permission`. A role says what a
member may do in its tenant; scopes narrow what a token or a job may do on its behalf. Both must
agree. Scopes form a lattice `read < write < admin`; a resource scope such as `jobs:run` grants
exactly the permissions that name it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor, ActorKind, Role
from tidemill.core.errors import Forbidden


class Scope(StrEnum):
    """The general scopes, weakest first."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_SCOPE_RANKS: Final = {Scope.READ: 0, Scope.WRITE: 1, Scope.ADMIN: 2}


class Permission(Struct, frozen=True, kw_only=True):
    """What a route or use case demands.

    `name` is `feature.things.verb` and unique. `role` is the weakest role that has it, `scope`
    the weakest general scope, and `resource_scope` a narrower scope that also suffices.
    `human_only` permissions (passwords, sessions) are never open to tokens or jobs, and
    `not_for_jobs` ones (who belongs to the tenant, and as what) never to jobs;
    `system_only` ones belong to whoever owns the data directory, over its local socket.
    """

    name: str
    role: Role
    scope: Scope
    resource_scope: str | None = None
    human_only: bool = False
    not_for_jobs: bool = False
    system_only: bool = False


class PermissionDenied(Forbidden):
    """The actor's role or scopes do not include the permission."""

    code = "PERMISSION_DENIED"

    def __init__(self, permission: Permission, reason: str) -> None:
        super().__init__(f"This needs the permission {permission.name}: {reason}.")


def authorize(actor: Actor, permission: Permission) -> None:
    """Return when `actor` has `permission`; raise `PermissionDenied` with the reason otherwise."""
    refusal = why_denied(actor, permission)
    if refusal is not None:
        raise PermissionDenied(permission, refusal)


def is_allowed(actor: Actor, permission: Permission) -> bool:
    """Return whether `actor` has `permission`."""
    return why_denied(actor, permission) is None


def why_denied(actor: Actor, permission: Permission) -> str | None:
    """Return why `actor` lacks `permission`, or None when it has it."""
    if permission.system_only and actor.kind is not ActorKind.SYSTEM:
        return "only the owner of the data directory may do it, by the command line"
    if permission.human_only and actor.kind not in {ActorKind.USER, ActorKind.SYSTEM}:
        return "only a person who has logged in may do it"
    if permission.not_for_jobs and actor.kind in {ActorKind.JOB, ActorKind.AGENT}:
        return "no job may do it; do it by a session or an API token"
    if actor.role is None or actor.role.rank < permission.role.rank:
        return f"the role {permission.role} or a higher one is needed"
    if actor.scopes is not None and not _scopes_include(actor.scopes, permission):
        wanted = permission.resource_scope or permission.scope
        return f"the scope {wanted} is needed"
    return None


def _scopes_include(scopes: frozenset[str], permission: Permission) -> bool:
    if permission.resource_scope is not None and permission.resource_scope in scopes:
        return True
    needed = _SCOPE_RANKS[permission.scope]
    return any(scope in scopes for scope, rank in _SCOPE_RANKS.items() if rank >= needed)
