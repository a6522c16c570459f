"""HTTP of custom fields."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.connection import Request
from litestar.params import QueryParameter
from msgspec import UNSET

from tidemill.board.custom_fields.models import CustomField
from tidemill.board.custom_fields.schemas import (
    ChangeCustomField,
    CreateCustomField,
    CustomFieldPage,
    CustomFieldView,
)
from tidemill.board.custom_fields.service import CustomFieldService
from tidemill.board.permissions import READ_CUSTOM_FIELDS, WRITE_CUSTOM_FIELDS
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, delete, get, patch, post, single
from tidemill.http.parameters import Cursor, Limit

OfProject = Annotated[
    str | None,
    QueryParameter(
        name="project_id",
        description="A project's id or key: the fields that its items have.",
    ),
]


@post("/custom-fields", WRITE_CUSTOM_FIELDS)
async def create_custom_field(
    data: CreateCustomField,
    actor: Actor,
    idempotency: Idempotency,
    custom_fields: CustomFieldService,
    request: Request[Any, Any, Any],
) -> Tagged[CustomFieldView]:
    """Make a custom field."""
    field = await custom_fields.create(
        data.wanted(), actor=actor, once=idempotency.once(CustomField)
    )
    return _answer(field, request)


@get("/custom-fields", READ_CUSTOM_FIELDS, opt=FOR_GUESTS)
async def list_custom_fields(
    actor: Actor,
    custom_fields: CustomFieldService,
    project_id: OfProject = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> CustomFieldPage:
    """List custom fields, oldest first."""
    page = page_request(limit, cursor, f"custom-fields:{project_id or ''}")
    found = await custom_fields.list(page, project=project_id, actor=actor)
    return CustomFieldPage(
        items=[CustomFieldView.of(field) for field in found.items], next_cursor=found.next_cursor
    )


@get("/custom-fields/{field_id:str}", READ_CUSTOM_FIELDS, opt=FOR_GUESTS)
async def get_custom_field(
    field_id: str, actor: Actor, custom_fields: CustomFieldService, request: Request[Any, Any, Any]
) -> Tagged[CustomFieldView]:
    """Read a custom field."""
    return _answer(await custom_fields.get(field_id, actor=actor), request)


@patch("/custom-fields/{field_id:str}", WRITE_CUSTOM_FIELDS)
async def change_custom_field(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    field_id: str,
    data: ChangeCustomField,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    custom_fields: CustomFieldService,
    request: Request[Any, Any, Any],
) -> Tagged[CustomFieldView]:
    """Change a custom field: its name, help, choices, default or limits."""
    field = await custom_fields.change(
        field_id,
        data.wanted(),
        Expected(
            if_match=expected_version,
            version=None if data.expected_version is UNSET else data.expected_version,
        ),
        actor=actor,
        once=idempotency.once(CustomField),
    )
    return _answer(field, request)


@delete("/custom-fields/{field_id:str}", WRITE_CUSTOM_FIELDS)
async def delete_custom_field(
    field_id: str, actor: Actor, expected_version: int | None, custom_fields: CustomFieldService
) -> None:
    """Delete a custom field, and with it what items have there."""
    await custom_fields.delete(field_id, Expected(if_match=expected_version), actor=actor)


def _answer(field: CustomField, request: Request[Any, Any, Any]) -> Tagged[CustomFieldView]:
    return single(CustomFieldView.of(field), version=field.version, request=request)


ROUTES = (
    create_custom_field,
    list_custom_fields,
    get_custom_field,
    change_custom_field,
    delete_custom_field,
)
