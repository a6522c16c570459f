"""Stores as migrations see them, on either database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, StoreKind
from tidemill.infrastructure.database.registry import Registry


class Target(Protocol):
    """One store that has a schema: a file, or a schema with one tenant or many."""

    @property
    def name(self) -> str:
        """What people call it: `control`, `jobs`, or the tenant's id."""
        ...

    @property
    def kind(self) -> StoreKind:
        """Which migrations it takes."""
        ...

    @property
    def tenants(self) -> Sequence[TenantId]:
        """The tenants whose rows lie in it; none for shared stores."""
        ...

    async def applied(self) -> Mapping[int, str]:
        """Return the checksum of each migration that ran there."""
        ...

    async def upgrade(self) -> int:
        """Run what is missing; return the version. Raises `MigrationFailed`."""
        ...

    async def downgrade(self, target: int) -> int:
        """Undo what lies above `target`; return the version. Raises `MigrationFailed`."""
        ...


class Backend(Protocol):
    """Reaches the stores of one kind of database without opening them for work."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgres`."""
        ...

    @property
    def control(self) -> Database:
        """The control store, for whoever reads it; only after it is there."""
        ...

    @property
    def registry(self) -> Registry:
        """The tenants; only after the control store is there."""
        ...

    def shared(self) -> Sequence[Target]:
        """Return the control and jobs stores."""
        ...

    async def of_tenants(self) -> Sequence[Target]:
        """Return the stores of all tenants."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...
