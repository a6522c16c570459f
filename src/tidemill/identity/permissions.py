"""What one may be allowed to do with people, tenants and tokens."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope

READ_ME: Final = Permission(name="identity.me.read", role=Role.VIEWER, scope=Scope.READ)
CHANGE_ME: Final = Permission(
    name="identity.me.change", role=Role.VIEWER, scope=Scope.ADMIN, human_only=True
)
CHANGE_PASSWORD: Final = Permission(
    name="identity.passwords.change", role=Role.VIEWER, scope=Scope.ADMIN, human_only=True
)
READ_SESSIONS: Final = Permission(
    name="identity.sessions.read", role=Role.VIEWER, scope=Scope.ADMIN, human_only=True
)
END_SESSIONS: Final = Permission(
    name="identity.sessions.end", role=Role.VIEWER, scope=Scope.ADMIN, human_only=True
)
SWITCH_TENANT: Final = Permission(
    name="identity.sessions.switch", role=Role.VIEWER, scope=Scope.ADMIN, human_only=True
)
READ_TENANTS: Final = Permission(name="identity.tenants.read", role=Role.VIEWER, scope=Scope.READ)
CREATE_TENANTS: Final = Permission(
    name="identity.tenants.create", role=Role.OWNER, scope=Scope.ADMIN
)
CHANGE_TENANTS: Final = Permission(
    name="identity.tenants.change", role=Role.ADMIN, scope=Scope.ADMIN
)
READ_MEMBERS: Final = Permission(name="identity.members.read", role=Role.VIEWER, scope=Scope.READ)
CHANGE_MEMBERS: Final = Permission(
    name="identity.members.change", role=Role.ADMIN, scope=Scope.ADMIN, not_for_jobs=True
)
LEAVE_TENANT: Final = Permission(
    name="identity.members.leave", role=Role.VIEWER, scope=Scope.ADMIN, not_for_jobs=True
)
READ_INVITATIONS: Final = Permission(
    name="identity.invitations.read", role=Role.ADMIN, scope=Scope.ADMIN
)
WRITE_INVITATIONS: Final = Permission(
    name="identity.invitations.write", role=Role.ADMIN, scope=Scope.ADMIN, not_for_jobs=True
)
ACCEPT_INVITATIONS: Final = Permission(
    name="identity.invitations.accept", role=Role.VIEWER, scope=Scope.ADMIN, human_only=True
)
READ_API_TOKENS: Final = Permission(
    name="identity.api_tokens.read", role=Role.VIEWER, scope=Scope.READ
)
CREATE_API_TOKENS: Final = Permission(
    name="identity.api_tokens.create", role=Role.VIEWER, scope=Scope.ADMIN, human_only=True
)
REVOKE_API_TOKENS: Final = Permission(
    name="identity.api_tokens.revoke", role=Role.VIEWER, scope=Scope.ADMIN
)
READ_WORKER_TOKENS: Final = Permission(
    name="identity.worker_tokens.read", role=Role.OWNER, scope=Scope.ADMIN
)
CREATE_WORKER_TOKENS: Final = Permission(
    name="identity.worker_tokens.create", role=Role.OWNER, scope=Scope.ADMIN, human_only=True
)
REVOKE_WORKER_TOKENS: Final = Permission(
    name="identity.worker_tokens.revoke", role=Role.OWNER, scope=Scope.ADMIN
)
ROTATE_SIGNING_KEYS: Final = Permission(
    name="identity.signing_keys.rotate", role=Role.OWNER, scope=Scope.ADMIN
)
READ_USERS: Final = Permission(name="identity.users.read", role=Role.OWNER, scope=Scope.ADMIN)
DISABLE_USERS: Final = Permission(name="identity.users.disable", role=Role.OWNER, scope=Scope.ADMIN)
ENABLE_USERS: Final = Permission(name="identity.users.enable", role=Role.OWNER, scope=Scope.ADMIN)
CREATE_OWNER: Final = Permission(
    name="identity.owners.create", role=Role.OWNER, scope=Scope.ADMIN, system_only=True
)

PERMISSIONS: Final = (
    CREATE_OWNER,
    ROTATE_SIGNING_KEYS,
    READ_ME,
    CHANGE_ME,
    CHANGE_PASSWORD,
    READ_SESSIONS,
    END_SESSIONS,
    SWITCH_TENANT,
    READ_TENANTS,
    CREATE_TENANTS,
    CHANGE_TENANTS,
    READ_MEMBERS,
    CHANGE_MEMBERS,
    LEAVE_TENANT,
    READ_INVITATIONS,
    WRITE_INVITATIONS,
    ACCEPT_INVITATIONS,
    READ_API_TOKENS,
    CREATE_API_TOKENS,
    REVOKE_API_TOKENS,
    READ_WORKER_TOKENS,
    CREATE_WORKER_TOKENS,
    REVOKE_WORKER_TOKENS,
    READ_USERS,
    DISABLE_USERS,
    ENABLE_USERS,
)
