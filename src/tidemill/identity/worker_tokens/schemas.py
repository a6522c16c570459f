"""How worker tokens look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.identity.worker_tokens.models import (
    NewWorkerToken,
    WorkerToken,
    days_default,
    days_max,
    tags_max,
    tenants_max,
)

_Tag = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
_Tenant = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class CreateWorkerToken(Body, frozen=True, kw_only=True):
    """A new token: which tags its workers may take, and jobs of which tenants; null means all."""

    name: Annotated[str, Meta(min_length=1, max_length=100, examples=["site-b"])]
    tags: (
        Annotated[list[_Tag], Meta(min_length=1, max_length=tags_max, examples=[["gpu"]])] | None
    ) = None
    tenants: Annotated[list[_Tenant], Meta(min_length=1, max_length=tenants_max)] | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=days_max)] = days_default


class WorkerTokenView(View, frozen=True, kw_only=True):
    """A token without its secret; `prefix` begins its text, which helps to find it."""

    id: str
    name: str
    prefix: str
    tags: list[str] | None
    tenants: list[str] | None
    created_by: str
    created_at: str
    expires_at: str
    last_used_at: str | None
    revoked_at: str | None

    @classmethod
    def of(cls, token: WorkerToken) -> Self:
        """Return the view of `token`."""
        return cls(
            id=token.id,
            name=token.name,
            prefix=f"tmw_{token.prefix}",
            tags=None if token.tags is None else list(token.tags),
            tenants=None if token.tenants is None else list(token.tenants),
            created_by=token.created_by,
            created_at=rfc3339(token.created_at),
            expires_at=rfc3339(token.expires_at),
            last_used_at=rfc3339_or_none(token.last_used_at),
            revoked_at=rfc3339_or_none(token.revoked_at),
        )


class NewWorkerTokenView(View, frozen=True, kw_only=True):
    """A new token. `token` is shown this once; it is null when a request is replayed."""

    token: str | None
    id: str
    name: str
    prefix: str
    tags: list[str] | None
    tenants: list[str] | None
    created_at: str
    expires_at: str

    @classmethod
    def of(cls, made: NewWorkerToken) -> Self:
        """Return the view of `made`."""
        view = WorkerTokenView.of(made.token)
        return cls(
            token=made.text,
            id=view.id,
            name=view.name,
            prefix=view.prefix,
            tags=view.tags,
            tenants=view.tenants,
            created_at=view.created_at,
            expires_at=view.expires_at,
        )


class WorkerTokenPage(PageView, frozen=True, kw_only=True):
    """A part of the list of worker tokens, the oldest first."""

    items: list[WorkerTokenView]
