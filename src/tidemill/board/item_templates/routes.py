"""HTTP of templates of work items."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar.connection import Request
from litestar.params import QueryParameter
from msgspec import UNSET

from tidemill.board.item_templates.models import (
    ItemTemplate,
    ItemTemplateChanges,
    NewItemTemplate,
    TemplateUse,
)
from tidemill.board.item_templates.schemas import (
    ChangeItemTemplate,
    CreateItemTemplate,
    ItemTemplatePage,
    ItemTemplateView,
    MadeItemsView,
    TemplateItem,
    UseItemTemplate,
)
from tidemill.board.item_templates.service import ItemTemplateService, Made
from tidemill.board.permissions import (
    READ_ITEM_TEMPLATES,
    WRITE_ITEM_TEMPLATES,
    WRITE_WORK_ITEMS,
)
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import Idempotency, Tagged, delete, get, patch, post, single
from tidemill.http.parameters import Cursor, Limit

OfProject = Annotated[
    str | None,
    QueryParameter(
        name="project_id",
        description="A project's id or key: the templates of which its items can be made.",
    ),
]


@post("/item-templates", WRITE_ITEM_TEMPLATES)
async def create_item_template(
    data: CreateItemTemplate,
    actor: Actor,
    idempotency: Idempotency,
    item_templates: ItemTemplateService,
    request: Request[Any, Any, Any],
) -> Tagged[ItemTemplateView]:
    """Make a template of work items."""
    new = NewItemTemplate(
        name=data.name,
        root=data.item.sketch(),
        description=data.description,
        project=data.project_id,
    )
    made = await item_templates.create(new, actor=actor, once=idempotency.once(ItemTemplate))
    return _answer(made, request)


@get("/item-templates", READ_ITEM_TEMPLATES)
async def list_item_templates(
    actor: Actor,
    item_templates: ItemTemplateService,
    project_id: OfProject = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> ItemTemplatePage:
    """List templates of work items, oldest first."""
    page = page_request(limit, cursor, f"item-templates:{project_id or ''}")
    found = await item_templates.list(page, project=project_id, actor=actor)
    return ItemTemplatePage(
        items=[ItemTemplateView.of(template) for template in found.items],
        next_cursor=found.next_cursor,
    )


@get("/item-templates/{template_id:str}", READ_ITEM_TEMPLATES)
async def get_item_template(
    template_id: str,
    actor: Actor,
    item_templates: ItemTemplateService,
    request: Request[Any, Any, Any],
) -> Tagged[ItemTemplateView]:
    """Read a template of work items."""
    return _answer(await item_templates.get(template_id, actor=actor), request)


@patch("/item-templates/{template_id:str}", WRITE_ITEM_TEMPLATES)
async def change_item_template(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    template_id: str,
    data: ChangeItemTemplate,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    item_templates: ItemTemplateService,
    request: Request[Any, Any, Any],
) -> Tagged[ItemTemplateView]:
    """Change a template; what was made of it stays as it is."""
    root = data.item.sketch() if isinstance(data.item, TemplateItem) else data.item
    template = await item_templates.change(
        template_id,
        ItemTemplateChanges(name=data.name, description=data.description, root=root),
        Expected(
            if_match=expected_version,
            version=None if data.expected_version is UNSET else data.expected_version,
        ),
        actor=actor,
        once=idempotency.once(ItemTemplate),
    )
    return _answer(template, request)


@delete("/item-templates/{template_id:str}", WRITE_ITEM_TEMPLATES)
async def delete_item_template(
    template_id: str,
    actor: Actor,
    expected_version: int | None,
    item_templates: ItemTemplateService,
) -> None:
    """Delete a template; what was made of it stays."""
    await item_templates.delete(template_id, Expected(if_match=expected_version), actor=actor)


@post("/item-templates/{template_id:str}/uses", WRITE_WORK_ITEMS)
async def use_item_template(
    template_id: str,
    data: UseItemTemplate,
    actor: Actor,
    idempotency: Idempotency,
    item_templates: ItemTemplateService,
) -> MadeItemsView:
    """Make all items of a template at once, or none of them."""
    wanted = TemplateUse(
        project=data.project_id,
        parent=data.parent_id,
        title=data.title,
        values=data.values,
        custom_fields=data.custom_fields,
    )
    made = await item_templates.use(template_id, wanted, actor=actor, once=idempotency.once(Made))
    return MadeItemsView.of(made)


def _answer(template: ItemTemplate, request: Request[Any, Any, Any]) -> Tagged[ItemTemplateView]:
    return single(ItemTemplateView.of(template), version=template.version, request=request)


ROUTES: Final = (
    create_item_template,
    list_item_templates,
    get_item_template,
    change_item_template,
    delete_item_template,
    use_item_template,
)
