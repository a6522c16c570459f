"""What one may be allowed to do with what automation keeps."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope

READ_WEBHOOKS: Final = Permission(
    name="automation.webhooks.read", role=Role.ADMIN, scope=Scope.READ
)
WRITE_WEBHOOKS: Final = Permission(
    name="automation.webhooks.write", role=Role.ADMIN, scope=Scope.ADMIN
)

PERMISSIONS: Final = (READ_WEBHOOKS, WRITE_WEBHOOKS)
