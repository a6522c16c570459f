"""API tokens."""

from __future__ import annotations

from typing import Self

import msgspec
from msgspec import Struct, structs

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId


class ApiToken(Struct, frozen=True):
    """A long-lived token of a person, within one tenant; never more than its owner may do."""

    tenant_id: TenantId
    id: str
    user_id: UserId
    prefix: str
    name: str
    scopes: tuple[str, ...]
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None = None
    revoked_at: Instant | None = None


class NewApiToken(Struct, frozen=True, kw_only=True):
    """A token that was just made; `text` is shown this once."""

    token: ApiToken
    text: str | None

    def without_secret(self) -> Self:
        """Return what a replay of the request may see."""
        return structs.replace(self, text=None)


def scopes_to_text(scopes: tuple[str, ...]) -> str:
    """Return scopes as the column keeps them."""
    return msgspec.json.encode(scopes).decode()


def scopes_from_text(text: str) -> tuple[str, ...]:
    """Return the scopes of a column."""
    return msgspec.json.decode(text, type=tuple[str, ...])
