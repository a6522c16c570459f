"""HTTP of labels."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.connection import Request
from litestar.params import QueryParameter
from msgspec import UNSET

from tidemill.board.labels.models import Label, LabelChanges, NewLabel
from tidemill.board.labels.schemas import ChangeLabel, CreateLabel, LabelPage, LabelView
from tidemill.board.labels.service import LabelService
from tidemill.board.permissions import READ_LABELS, WRITE_LABELS
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, delete, get, patch, post, single
from tidemill.http.parameters import Cursor, Limit

OfProject = Annotated[
    str | None,
    QueryParameter(
        name="project_id",
        description="A project's id or key: the labels that its items can bear.",
    ),
]


@post("/labels", WRITE_LABELS)
async def create_label(
    data: CreateLabel,
    actor: Actor,
    idempotency: Idempotency,
    labels: LabelService,
    request: Request[Any, Any, Any],
) -> Tagged[LabelView]:
    """Make a label."""
    new = NewLabel(
        name=data.name,
        color=data.color,
        description=data.description,
        project=data.project_id,
    )
    return _answer(await labels.create(new, actor=actor, once=idempotency.once(Label)), request)


@get("/labels", READ_LABELS, opt=FOR_GUESTS)
async def list_labels(
    actor: Actor,
    labels: LabelService,
    project_id: OfProject = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> LabelPage:
    """List labels, oldest first."""
    page = page_request(limit, cursor, f"labels:{project_id or ''}")
    found = await labels.list(page, project=project_id, actor=actor)
    return LabelPage(
        items=[LabelView.of(label) for label in found.items], next_cursor=found.next_cursor
    )


@get("/labels/{label_id:str}", READ_LABELS, opt=FOR_GUESTS)
async def get_label(
    label_id: str, actor: Actor, labels: LabelService, request: Request[Any, Any, Any]
) -> Tagged[LabelView]:
    """Read a label."""
    return _answer(await labels.get(label_id, actor=actor), request)


@patch("/labels/{label_id:str}", WRITE_LABELS)
async def change_label(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    label_id: str,
    data: ChangeLabel,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    labels: LabelService,
    request: Request[Any, Any, Any],
) -> Tagged[LabelView]:
    """Change a label's name, colour or description, on all items that bear it."""
    label = await labels.change(
        label_id,
        LabelChanges(name=data.name, color=data.color, description=data.description),
        Expected(
            if_match=expected_version,
            version=None if data.expected_version is UNSET else data.expected_version,
        ),
        actor=actor,
        once=idempotency.once(Label),
    )
    return _answer(label, request)


@delete("/labels/{label_id:str}", WRITE_LABELS)
async def delete_label(
    label_id: str, actor: Actor, expected_version: int | None, labels: LabelService
) -> None:
    """Delete a label: no item shows it any more, until it is restored."""
    await labels.delete(label_id, Expected(if_match=expected_version), actor=actor)


@post("/labels/{label_id:str}/restorations", WRITE_LABELS, status_code=200)
async def restore_label(
    label_id: str, actor: Actor, labels: LabelService, request: Request[Any, Any, Any]
) -> Tagged[LabelView]:
    """Bring a deleted label back, on the items that bore it."""
    return _answer(await labels.restore(label_id, actor=actor), request)


def _answer(label: Label, request: Request[Any, Any, Any]) -> Tagged[LabelView]:
    return single(LabelView.of(label), version=label.version, request=request)


ROUTES = (create_label, list_labels, get_label, change_label, delete_label, restore_label)
