"""Invitations to a tenant."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

from msgspec import Struct, structs

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.identity.errors import InvalidInvitation

uses_min: Final = 2
uses_max: Final = 1_000


class InvitationKind(StrEnum):
    """For one person, known by address, or for a group."""

    SINGLE_USE = "single_use"
    GROUP = "group"


class Invitation(Struct, frozen=True):
    """Lets people become members; `uses` never passes `uses_max`."""

    tenant_id: TenantId
    id: str
    prefix: str
    secret_hash: str
    kind: str
    role: str
    email: str | None
    uses_max: int
    uses: int
    created_by: UserId
    created_at: Instant
    expires_at: Instant
    revoked_at: Instant | None = None

    def holds(self, now: Instant) -> bool:
        """Return whether somebody may still accept it."""
        return self.revoked_at is None and now < self.expires_at and self.uses < self.uses_max

    def without_secret(self) -> Self:
        """Return what a replay of the request needs."""
        return structs.replace(self, secret_hash="")

    def suits(self, email_key: str) -> bool:
        """Return whether it is for the person with this address."""
        return self.email is None or self.email.casefold() == email_key


class NewInvitation(Struct, frozen=True, kw_only=True):
    """An invitation that was just made; `token` is shown this once."""

    invitation: Invitation
    token: str | None

    def without_secret(self) -> Self:
        """Return what a replay of the request may see."""
        return structs.replace(self, token=None)


def uses_of(kind: InvitationKind, email: str | None, wanted: int | None) -> int:
    """Return how often an invitation can be accepted; raises `InvalidInvitation`."""
    if kind is InvitationKind.SINGLE_USE:
        if email is None:
            raise InvalidInvitation(
                "An invitation for one person names its address.", param="email"
            )
        if wanted not in {None, 1}:
            raise InvalidInvitation("An invitation for one person has one use.", param="max_uses")
        return 1
    if email is not None:
        raise InvalidInvitation("An invitation for a group names no address.", param="email")
    count = uses_min if wanted is None else wanted
    if not uses_min <= count <= uses_max:
        raise InvalidInvitation(
            f"An invitation for a group has {uses_min} to {uses_max} uses.", param="max_uses"
        )
    return count
