"""HTTP of kinds of work items."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar.connection import Request
from litestar.params import QueryParameter
from msgspec import UNSET

from tidemill.board.item_kinds.models import ItemKind
from tidemill.board.kind_changes.models import ItemKindChanges, NewItemKind
from tidemill.board.kind_changes.schemas import (
    ChangeItemKind,
    CreateItemKind,
    ItemKindPage,
    ItemKindView,
)
from tidemill.board.kind_changes.service import ItemKindService
from tidemill.board.permissions import READ_ITEM_KINDS, WRITE_ITEM_KINDS
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, composed, delete, get, patch, post
from tidemill.http.parameters import Cursor, Limit

MoveTo = Annotated[
    str | None,
    QueryParameter(name="move_to", description="The kind that its items shall have."),
]


@post("/item-kinds", WRITE_ITEM_KINDS)
async def create_item_kind(
    data: CreateItemKind,
    actor: Actor,
    idempotency: Idempotency,
    item_kinds: ItemKindService,
    request: Request[Any, Any, Any],
) -> Tagged[ItemKindView]:
    """Make a kind of work items of the tenant's own."""
    new = NewItemKind(
        key=data.key,
        name=data.name,
        color=data.color,
        icon=data.icon,
        parents=data.parents,
        children=data.children,
        top_level=data.top_level,
        in_sprints=data.in_sprints,
    )
    made = await item_kinds.create(new, actor=actor, once=idempotency.once(ItemKind))
    return _answer(made, request)


@get("/item-kinds", READ_ITEM_KINDS, opt=FOR_GUESTS)
async def list_item_kinds(
    actor: Actor, item_kinds: ItemKindService, limit: Limit = None, cursor: Cursor = None
) -> ItemKindPage:
    """List the kinds of work items in their order, the usual ones first, retired ones too."""
    page = page_request(limit, cursor, "item-kinds")
    found = await item_kinds.list(page, actor=actor)
    return ItemKindPage(
        items=[ItemKindView.of(kind) for kind in found.items], next_cursor=found.next_cursor
    )


@get("/item-kinds/{kind_key:str}", READ_ITEM_KINDS, opt=FOR_GUESTS)
async def get_item_kind(
    kind_key: str, actor: Actor, item_kinds: ItemKindService, request: Request[Any, Any, Any]
) -> Tagged[ItemKindView]:
    """Read a kind of work items."""
    return _answer(await item_kinds.get(kind_key, actor=actor), request)


@patch("/item-kinds/{kind_key:str}", WRITE_ITEM_KINDS)
async def change_item_kind(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    kind_key: str,
    data: ChangeItemKind,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    item_kinds: ItemKindService,
    request: Request[Any, Any, Any],
) -> Tagged[ItemKindView]:
    """Change a kind's looks and rules, retire it or bring it back."""
    changes = ItemKindChanges(
        name=data.name,
        color=data.color,
        icon=data.icon,
        parents=data.parents,
        top_level=data.top_level,
        in_sprints=data.in_sprints,
        retired=data.retired,
    )
    kind = await item_kinds.change(
        kind_key,
        changes,
        Expected(
            if_match=expected_version,
            version=None if data.expected_version is UNSET else data.expected_version,
        ),
        actor=actor,
        once=idempotency.once(ItemKind),
    )
    return _answer(kind, request)


@delete("/item-kinds/{kind_key:str}", WRITE_ITEM_KINDS)
async def delete_item_kind(
    kind_key: str,
    actor: Actor,
    expected_version: int | None,
    item_kinds: ItemKindService,
    move_to: MoveTo = None,
) -> None:
    """Delete a kind of the tenant's own; with `move_to` its items become such of another one."""
    expected = Expected(if_match=expected_version)
    await item_kinds.delete(kind_key, expected, move_to=move_to, actor=actor)


def _answer(kind: ItemKind, request: Request[Any, Any, Any]) -> Tagged[ItemKindView]:
    return composed(ItemKindView.of(kind), version=kind.version, request=request)


ROUTES: Final = (
    create_item_kind,
    list_item_kinds,
    get_item_kind,
    change_item_kind,
    delete_item_kind,
)
