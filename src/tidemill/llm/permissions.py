"""What one may be allowed to do with models."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope

READ_PROVIDERS: Final = Permission(
    name="llm.providers.read", role=Role.ADMIN, scope=Scope.READ, resource_scope="llm:admin"
)
WRITE_PROVIDERS: Final = Permission(
    name="llm.providers.write", role=Role.ADMIN, scope=Scope.ADMIN, resource_scope="llm:admin"
)
READ_ALIASES: Final = Permission(
    name="llm.aliases.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="llm:admin"
)
WRITE_ALIASES: Final = Permission(
    name="llm.aliases.write", role=Role.ADMIN, scope=Scope.ADMIN, resource_scope="llm:admin"
)
READ_USAGE: Final = Permission(
    name="llm.usage.read", role=Role.ADMIN, scope=Scope.READ, resource_scope="llm:admin"
)
READ_MODELS: Final = Permission(
    name="llm.models.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="llm:chat"
)
CHAT: Final = Permission(
    name="llm.models.chat", role=Role.MEMBER, scope=Scope.WRITE, resource_scope="llm:chat"
)
EMBED: Final = Permission(
    name="llm.models.embed", role=Role.MEMBER, scope=Scope.WRITE, resource_scope="llm:embed"
)

PERMISSIONS: Final = (
    READ_PROVIDERS,
    WRITE_PROVIDERS,
    READ_ALIASES,
    WRITE_ALIASES,
    READ_USAGE,
    READ_MODELS,
    CHAT,
    EMBED,
)
