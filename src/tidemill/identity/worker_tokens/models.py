"""Worker tokens: what lets workers on other machines take jobs."""

from __future__ import annotations

from typing import Final, Self

from msgspec import Struct, structs

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId

days_default: Final = 365
days_max: Final = 3650
tags_max: Final = 50
tenants_max: Final = 50


class WorkerToken(Struct, frozen=True):
    """A long-lived token of the installation; None for tags or tenants means all of them."""

    id: str
    prefix: str
    name: str
    tags: tuple[str, ...] | None
    tenants: tuple[TenantId, ...] | None
    created_by: str
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None = None
    revoked_at: Instant | None = None

    def ended(self, now: Instant) -> str | None:
        """Return why the token counts no more at `now`, or None when it does."""
        if self.revoked_at is not None:
            return "was revoked"
        return "has expired" if self.expires_at <= now else None


class NewWorkerToken(Struct, frozen=True, kw_only=True):
    """A token that was just made; `text` is shown this once."""

    token: WorkerToken
    text: str | None

    def without_secret(self) -> Self:
        """Return what a replay of the request may see."""
        return structs.replace(self, text=None)
