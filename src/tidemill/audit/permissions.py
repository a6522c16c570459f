"""What one may do with the audit log."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope

READ_AUDIT: Final = Permission(name="audit.events.read", role=Role.ADMIN, scope=Scope.ADMIN)
VERIFY_AUDIT: Final = Permission(name="audit.chains.verify", role=Role.ADMIN, scope=Scope.ADMIN)
PERMISSIONS: Final = (READ_AUDIT, VERIFY_AUDIT)
