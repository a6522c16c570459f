"""Keys that sign access tokens."""

from __future__ import annotations

from typing import Self

from msgspec import Struct, structs

from tidemill.core.clock import Instant


class SigningKey(Struct, frozen=True):
    """A stored Ed25519 key: it signs from an instant on, and verifies until one, if any."""

    id: str
    public_key: str
    sealed_private_key: str
    signs_from: Instant
    verifies_until: Instant | None
    created_at: Instant

    def verifies(self, now: Instant) -> bool:
        """Return whether tokens of this key count at `now`."""
        return self.verifies_until is None or now < self.verifies_until

    def without_secret(self) -> Self:
        """Return what a replay of the request that made it needs."""
        return structs.replace(self, sealed_private_key="")
