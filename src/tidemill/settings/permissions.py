"""Who may do what with settings."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope

READ_SETTINGS: Final = Permission(name="settings.values.read", role=Role.VIEWER, scope=Scope.READ)
WRITE_OWN_SETTINGS: Final = Permission(
    name="settings.values.write_own", role=Role.VIEWER, scope=Scope.WRITE
)
WRITE_TENANT_SETTINGS: Final = Permission(
    name="settings.values.write", role=Role.ADMIN, scope=Scope.ADMIN
)
WRITE_INSTALLATION_SETTINGS: Final = Permission(
    name="settings.values.write_installation", role=Role.OWNER, scope=Scope.ADMIN
)

PERMISSIONS: Final = (
    READ_SETTINGS,
    WRITE_OWN_SETTINGS,
    WRITE_TENANT_SETTINGS,
    WRITE_INSTALLATION_SETTINGS,
)
