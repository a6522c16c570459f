"""Who acts: a user, an API token, a job, an agent, a guest or Tidemill itself, in one tenant."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidemill.core.ids import INSTALLATION, TenantId, UserId


class Role(StrEnum):
    """What a member may do in a tenant; each role includes those below it."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def rank(self) -> int:
        """Return 0 for the weakest role, rising."""
        return _ROLE_RANKS[self]


_ROLE_RANKS = {Role.VIEWER: 0, Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}


class ActorKind(StrEnum):
    """What sort of credential or process stands behind an actor."""

    USER = "user"
    API_TOKEN = "api_token"  # noqa: S105 - a kind, not a secret
    JOB = "job"
    AGENT = "agent"
    GUEST = "guest"
    SYSTEM = "system"


class Origin(Struct, frozen=True, kw_only=True):
    """The request behind an action, for the audit log and traces."""

    request_id: str | None = None
    address: str | None = None
    traceparent: str | None = None


class Actor(Struct, frozen=True, kw_only=True):
    """Whoever acts, within exactly one tenant.

    `id` names the credential's owner: the user, the token, the job or the agent.
    `user_id` is the person whose rights apply, also when a token or a job acts.
    `scopes` is None where a credential has no scopes of its own (a session: its role decides).
    `security_version` is that of the person's account where the credential goes back to a log-in,
    also over jobs; None where it does not, as with API tokens and schedules.
    `project_id` is the only project that a guest may see, None for everybody else.
    """

    kind: ActorKind
    id: str
    tenant_id: TenantId
    user_id: UserId | None = None
    role: Role | None = None
    scopes: frozenset[str] | None = None
    session_id: str | None = None
    on_behalf_of: str | None = None
    security_version: int | None = None
    project_id: str | None = None
    origin: Origin = Origin()


class AuditActor(Struct, frozen=True, kw_only=True):
    """Who acted, and on whose behalf, as an audit line keeps it."""

    kind: str
    id: str
    user_id: str | None = None
    on_behalf_of: str | None = None


def system(part: str, tenant_id: TenantId = INSTALLATION) -> Actor:
    """Return Tidemill itself as the actor; `part` says which of its parts, e.g. `dispatcher`."""
    return Actor(kind=ActorKind.SYSTEM, id=part, tenant_id=tenant_id, role=Role.OWNER)
