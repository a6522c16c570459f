"""The operators of an installation: the owners of its first tenant."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor, ActorKind, Role
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database
from tidemill.settings.operators.repository import first_tenant

# Jobs and agents act with the rights of their users within a tenant, never beyond it.
_KINDS: Final = frozenset({ActorKind.USER, ActorKind.API_TOKEN})


class FirstOwners:
    """See `Operators`. Who set the installation up owns its first tenant, and looks after it."""

    def __init__(self, control: Database) -> None:
        self._control = control
        self._first: TenantId | None = None

    async def is_operator(self, actor: Actor) -> bool:
        """See `Operators.is_operator`."""
        if actor.role is not Role.OWNER or actor.kind not in _KINDS:
            return False
        return actor.tenant_id == await self.tenant_id()

    async def tenant_id(self) -> TenantId | None:
        """See `Operators.tenant_id`."""
        if self._first is None:
            self._first = await self._control.read(INSTALLATION, first_tenant)
        return self._first
