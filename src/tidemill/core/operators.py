"""Who looks after the installation itself, as opposed to one of its tenants."""

from __future__ import annotations

from typing import Final, Protocol

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.module import Port


class Operators(Protocol):
    """Knows the operators of the installation."""

    async def is_operator(self, actor: Actor) -> bool:
        """Return whether `actor` may see and change what concerns every tenant."""
        ...

    async def tenant_id(self) -> TenantId | None:
        """Return the tenant whose owners they are; None where there is none."""
        ...


OPERATORS: Final[Port[Operators]] = Port("operators")
"""Settings fill it with the owners of the first tenant."""


async def is_operator(operators: Operators, actor: Actor) -> bool:
    """Return whether `actor` is Tidemill itself or one of `operators`; deny by default."""
    if actor.kind is ActorKind.SYSTEM and actor.tenant_id == INSTALLATION:
        return True
    return await operators.is_operator(actor)
