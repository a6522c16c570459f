"""How providers look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.providers.models import Provider

_Name = Annotated[str, Meta(min_length=1, examples=["openai"])]
_BaseUrl = Annotated[
    str,
    Meta(
        min_length=1,
        description="What stands before /chat/completions.",
        examples=["https://api.openai.com/v1"],
    ),
]


class CreateProvider(Body, frozen=True, kw_only=True):
    """Where models are served. The key is kept sealed and never shown again."""

    name: _Name
    dialect: Dialect = Dialect.OPENAI
    base_url: _BaseUrl
    api_key: str | None = None


class ChangeProvider(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is, a null key is forgotten."""

    name: _Name | UnsetType = UNSET
    base_url: _BaseUrl | UnsetType = UNSET
    api_key: str | UnsetType | None = UNSET


class ProviderView(View, frozen=True, kw_only=True):
    """A provider, without its key."""

    id: str
    name: str
    dialect: str
    base_url: str
    has_key: bool
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, provider: Provider) -> Self:
        """Return the view of `provider`."""
        return cls(
            id=provider.id,
            name=provider.name,
            dialect=provider.dialect,
            base_url=provider.base_url,
            has_key=provider.key is not None,
            version=provider.version,
            created_at=rfc3339(provider.created_at),
            created_by=provider.created_by,
            updated_at=rfc3339(provider.updated_at),
            updated_by=provider.updated_by,
        )


class ProviderPage(PageView, frozen=True, kw_only=True):
    """A part of the list of providers, by name."""

    items: list[ProviderView]
