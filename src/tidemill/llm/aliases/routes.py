"""HTTP of aliases."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request
from msgspec import UNSET

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Idempotency, Tagged, delete, get, patch, post, single
from tidemill.llm.aliases.models import Alias, AliasChanges, NewAlias
from tidemill.llm.aliases.schemas import AliasPage, AliasView, ChangeAlias, CreateAlias
from tidemill.llm.aliases.service import AliasService
from tidemill.llm.permissions import READ_ALIASES, WRITE_ALIASES


@post("/llm/aliases", WRITE_ALIASES)
async def create_llm_alias(
    data: CreateAlias,
    actor: Actor,
    idempotency: Idempotency,
    llm_aliases: AliasService,
    request: Request[Any, Any, Any],
) -> Tagged[AliasView]:
    """Add a name that clients can ask for."""
    new = NewAlias(
        name=data.name,
        deployments=tuple(one.value() for one in data.deployments),
        parameters=data.parameters,
    )
    made = await llm_aliases.create(new, actor=actor, once=idempotency.once(Alias))
    return single(AliasView.of(made), version=made.version, request=request)


@get("/llm/aliases", READ_ALIASES)
async def list_llm_aliases(actor: Actor, llm_aliases: AliasService, page: PageRequest) -> AliasPage:
    """List aliases by name."""
    found = await llm_aliases.list(page, actor=actor)
    return AliasPage(
        items=[AliasView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


@get("/llm/aliases/{alias_id:str}", READ_ALIASES)
async def get_llm_alias(
    alias_id: str, actor: Actor, llm_aliases: AliasService, request: Request[Any, Any, Any]
) -> Tagged[AliasView]:
    """Read an alias."""
    alias = await llm_aliases.get(alias_id, actor=actor)
    return single(AliasView.of(alias), version=alias.version, request=request)


@patch("/llm/aliases/{alias_id:str}", WRITE_ALIASES)
async def change_llm_alias(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    alias_id: str,
    data: ChangeAlias,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    llm_aliases: AliasService,
    request: Request[Any, Any, Any],
) -> Tagged[AliasView]:
    """Change an alias; `deployments` and `parameters` are replaced as a whole."""
    deployments = data.deployments
    changes = AliasChanges(
        name=data.name,
        deployments=tuple(one.value() for one in deployments)
        if isinstance(deployments, list)
        else UNSET,
        parameters=data.parameters,
    )
    saved = await llm_aliases.change(
        alias_id, changes, expected_version, actor=actor, once=idempotency.once(Alias)
    )
    return single(AliasView.of(saved), version=saved.version, request=request)


@delete("/llm/aliases/{alias_id:str}", WRITE_ALIASES)
async def delete_llm_alias(
    alias_id: str, actor: Actor, expected_version: int | None, llm_aliases: AliasService
) -> None:
    """Delete an alias; clients can ask for the name no more."""
    await llm_aliases.delete(alias_id, expected_version, actor=actor)


ROUTES = (
    create_llm_alias,
    list_llm_aliases,
    get_llm_alias,
    change_llm_alias,
    delete_llm_alias,
)
