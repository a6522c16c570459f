"""Where the bytes of files are kept, as what keeps rows about them needs it.

Every adapter passes the suite in `tests/conformance/blobs`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, Protocol

from tidemill.core.clock import Instant
from tidemill.core.errors import TidemillError, Unavailable
from tidemill.core.ids import TenantId
from tidemill.core.module import Port


class BlobsUnavailable(Unavailable):
    """What keeps the bytes of files cannot be reached, or has no room."""

    code = "BLOBS_UNAVAILABLE"

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"Files cannot be kept or read right now ({place}): {reason}.")


class BlobMissing(TidemillError):
    """A row names bytes that are not there: somebody took them away behind our back."""

    code = "BLOB_MISSING"

    def __init__(self) -> None:
        super().__init__("The bytes of this file are gone. Restore them from a backup.")


class IncomingBlob(Protocol):
    """Bytes on their way in. Whoever began one ends it by `drop`, whether it was kept or not."""

    @property
    def sha256(self) -> str:
        """The digest of what was written so far, in hexadecimal."""
        ...

    @property
    def bytes_written(self) -> int:
        """How much was written so far."""
        ...

    async def write(self, part: bytes) -> None:
        """Add bytes; raises `BlobsUnavailable`."""
        ...

    async def keep(self) -> str:
        """Make the bytes last through a power failure; return their name, which nobody else has.

        Raises `BlobsUnavailable`.
        """
        ...

    async def drop(self) -> None:
        """Let go of the bytes, which are gone then unless they were kept."""
        ...


class BlobStore(Protocol):
    """Bytes by tenant and name. A name begins with the digest of its bytes, and is never reused.

    So whoever removes a name can never meet somebody who begins to use it.
    """

    async def begin(self, tenant_id: TenantId) -> IncomingBlob:
        """Take bytes in; raises `BlobsUnavailable`."""
        ...

    async def read(
        self, tenant_id: TenantId, name: str, *, start: int, length: int
    ) -> AsyncIterator[bytes]:
        """Return `length` bytes, at least one, from `start`, part by part.

        Raises `BlobMissing` and `BlobsUnavailable` before the first part.
        """
        ...

    async def remove(self, tenant_id: TenantId, name: str) -> None:
        """Remove bytes; those that are gone already stay so. Raises `BlobsUnavailable`."""
        ...

    def older_than(self, tenant_id: TenantId, before: Instant) -> AsyncIterator[str]:
        """Yield the names of what lies there since `before`, left-overs of broken uploads too."""
        ...

    def tenants(self) -> AsyncIterator[TenantId]:
        """Yield the tenants that have any bytes."""
        ...

    async def check(self) -> str | None:
        """Return why nothing can be kept right now, or None."""
        ...


BLOBS: Final[Port[BlobStore]] = Port("blobs")
"""Filled by the runtime."""
