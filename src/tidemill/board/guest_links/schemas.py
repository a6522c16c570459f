"""How guest links look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.identity import GuestLink, NewGuestLink


class CreateGuestLink(Body, frozen=True, kw_only=True):
    """A link by which whoever has it reads the project, and nothing else."""

    name: Annotated[str, Meta(min_length=1, max_length=100, examples=["The harbour office"])]
    expires_in_days: Annotated[int, Meta(ge=1, le=365)] = 30


class GuestLinkView(View, frozen=True, kw_only=True):
    """A guest link without its secret; `prefix` begins its token, which helps to find it."""

    id: str
    name: str
    prefix: str
    created_by: str
    created_at: str
    expires_at: str
    last_used_at: str | None
    revoked_at: str | None

    @classmethod
    def of(cls, link: GuestLink) -> Self:
        """Return the view of `link`."""
        return cls(
            id=link.id,
            name=link.name,
            prefix=f"tmg_{link.prefix}",
            created_by=link.created_by,
            created_at=rfc3339(link.created_at),
            expires_at=rfc3339(link.expires_at),
            last_used_at=rfc3339_or_none(link.last_used_at),
            revoked_at=rfc3339_or_none(link.revoked_at),
        )


class NewGuestLinkView(View, frozen=True, kw_only=True):
    """A new guest link. `token` is shown this once; it is null when a request is replayed.

    It is the credential of requests to `url`, the project, and to what belongs to it.
    """

    token: str | None
    url: str
    id: str
    name: str
    prefix: str
    expires_at: str

    @classmethod
    def of(cls, made: NewGuestLink, url: str) -> Self:
        """Return the view of `made`."""
        view = GuestLinkView.of(made.link)
        return cls(
            token=made.text,
            url=url,
            id=view.id,
            name=view.name,
            prefix=view.prefix,
            expires_at=view.expires_at,
        )


class GuestLinkPage(PageView, frozen=True, kw_only=True):
    """A part of the guest links of a project, the oldest first."""

    items: list[GuestLinkView]
