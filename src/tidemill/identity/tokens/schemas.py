"""How API tokens look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.identity.tokens.models import ApiToken, NewApiToken


class CreateApiToken(Body, frozen=True, kw_only=True):
    """A new token: `read`, `write` or `admin`, or narrower scopes such as `jobs:run`."""

    name: Annotated[str, Meta(min_length=1, max_length=100, examples=["deploys"])]
    scopes: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=60)]],
        Meta(min_length=1, max_length=50, examples=[["read", "jobs:run"]]),
    ]
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] = 90


class ApiTokenView(View, frozen=True, kw_only=True):
    """A token without its secret; `prefix` begins its text, which helps to find it."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    user_id: str
    created_at: str
    expires_at: str
    last_used_at: str | None
    revoked_at: str | None

    @classmethod
    def of(cls, token: ApiToken) -> Self:
        """Return the view of `token`."""
        return cls(
            id=token.id,
            name=token.name,
            prefix=f"tmk_{token.prefix}",
            scopes=list(token.scopes),
            user_id=token.user_id,
            created_at=rfc3339(token.created_at),
            expires_at=rfc3339(token.expires_at),
            last_used_at=rfc3339_or_none(token.last_used_at),
            revoked_at=rfc3339_or_none(token.revoked_at),
        )


class NewApiTokenView(View, frozen=True, kw_only=True):
    """A new token. `token` is shown this once; it is null when a request is replayed."""

    token: str | None
    id: str
    name: str
    prefix: str
    scopes: list[str]
    user_id: str
    created_at: str
    expires_at: str

    @classmethod
    def of(cls, made: NewApiToken) -> Self:
        """Return the view of `made`."""
        view = ApiTokenView.of(made.token)
        return cls(
            token=made.text,
            id=view.id,
            name=view.name,
            prefix=view.prefix,
            scopes=view.scopes,
            user_id=view.user_id,
            created_at=view.created_at,
            expires_at=view.expires_at,
        )


class ApiTokenPage(PageView, frozen=True, kw_only=True):
    """A part of the list of tokens, the oldest first."""

    items: list[ApiTokenView]
