"""HTTP of providers."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Idempotency, Tagged, delete, get, patch, post, single
from tidemill.llm.permissions import READ_PROVIDERS, WRITE_PROVIDERS
from tidemill.llm.providers.models import NewProvider, Provider, ProviderChanges
from tidemill.llm.providers.schemas import (
    ChangeProvider,
    CreateProvider,
    ProviderPage,
    ProviderView,
)
from tidemill.llm.providers.service import ProviderService


@post("/llm/providers", WRITE_PROVIDERS)
async def create_llm_provider(
    data: CreateProvider,
    actor: Actor,
    idempotency: Idempotency,
    llm_providers: ProviderService,
    request: Request[Any, Any, Any],
) -> Tagged[ProviderView]:
    """Add a server of models; its key is sealed and never shown again."""
    new = NewProvider(
        name=data.name, dialect=data.dialect, base_url=data.base_url, api_key=data.api_key
    )
    made = await llm_providers.create(new, actor=actor, once=idempotency.once(Provider))
    return single(ProviderView.of(made), version=made.version, request=request)


@get("/llm/providers", READ_PROVIDERS)
async def list_llm_providers(
    actor: Actor, llm_providers: ProviderService, page: PageRequest
) -> ProviderPage:
    """List providers by name."""
    found = await llm_providers.list(page, actor=actor)
    return ProviderPage(
        items=[ProviderView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


@get("/llm/providers/{provider_id:str}", READ_PROVIDERS)
async def get_llm_provider(
    provider_id: str, actor: Actor, llm_providers: ProviderService, request: Request[Any, Any, Any]
) -> Tagged[ProviderView]:
    """Read a provider, without its key."""
    provider = await llm_providers.get(provider_id, actor=actor)
    return single(ProviderView.of(provider), version=provider.version, request=request)


@patch("/llm/providers/{provider_id:str}", WRITE_PROVIDERS)
async def change_llm_provider(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    provider_id: str,
    data: ChangeProvider,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    llm_providers: ProviderService,
    request: Request[Any, Any, Any],
) -> Tagged[ProviderView]:
    """Change a provider; another address needs its key again."""
    changes = ProviderChanges(name=data.name, base_url=data.base_url, api_key=data.api_key)
    saved = await llm_providers.change(
        provider_id, changes, expected_version, actor=actor, once=idempotency.once(Provider)
    )
    return single(ProviderView.of(saved), version=saved.version, request=request)


@delete("/llm/providers/{provider_id:str}", WRITE_PROVIDERS)
async def delete_llm_provider(
    provider_id: str, actor: Actor, expected_version: int | None, llm_providers: ProviderService
) -> None:
    """Delete a provider; refused while aliases are served by it."""
    await llm_providers.delete(provider_id, expected_version, actor=actor)


ROUTES = (
    create_llm_provider,
    list_llm_providers,
    get_llm_provider,
    change_llm_provider,
    delete_llm_provider,
)
