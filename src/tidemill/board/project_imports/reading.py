"""The bytes of a project document as its parts, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from tidemill.board.board_settings.models import Rules
from tidemill.board.errors import ImportTooLarge, ImportUnreadable, shown
from tidemill.board.imports.models import RowProblem
from tidemill.board.item_kinds.models import levels_max
from tidemill.board.limits import BoardLimits
from tidemill.board.project_documents.models import FORMAT, VERSION, ItemPart
from tidemill.board.project_documents.parts import (
    CustomFieldPart,
    KindPart,
    LabelPart,
    PersonPart,
    ProjectPart,
    SprintPart,
    TemplatePart,
    WorkflowPart,
)
from tidemill.board.project_imports.models import WrongPart

T = TypeVar("T")


class _Form(Struct, frozen=True, kw_only=True):
    format: str | None = None
    version: int | None = None
    items: list[msgspec.Raw] | None = None


class Frame(Struct, frozen=True, kw_only=True):
    """All of a document but its items."""

    project: ProjectPart
    kinds: tuple[KindPart, ...] = ()
    workflow: WorkflowPart | None = None
    board_settings: Rules | None = None
    labels: tuple[LabelPart, ...] = ()
    custom_fields: tuple[CustomFieldPart, ...] = ()
    templates: tuple[TemplatePart, ...] = ()
    sprints: tuple[SprintPart, ...] = ()
    people: tuple[PersonPart, ...] = ()


class ProjectDocument(Struct, frozen=True, kw_only=True):
    """A document: its frame, its items by their places, and those that cannot be read."""

    frame: Frame
    items: Sequence[tuple[int, ItemPart]]
    items_total: int
    wrong: tuple[WrongPart, ...] = ()


def read_document(data: bytes, limits: BoardLimits) -> ProjectDocument:
    """Return a document; raises `ImportUnreadable` and `ImportTooLarge`."""
    form = _decoded(data, _Form)
    if form.format != FORMAT or form.items is None:
        raise ImportUnreadable(
            f"This is no project document: its `format` is not {FORMAT}, or it has no `items`.",
            param="file",
        )
    if form.version != VERSION:
        raise ImportUnreadable(
            f"`version` is {shown(str(form.version))}; documents of version {VERSION} are "
            "understood here.",
            param="file",
        )
    if len(form.items) > limits.import_rows_max:
        raise ImportTooLarge(
            f"The document has {len(form.items)} items; {limits.import_rows_max} are the limit."
        )
    items: list[tuple[int, ItemPart]] = []
    wrong: list[WrongPart] = []
    for place, raw in enumerate(form.items):
        try:
            items.append((place, msgspec.json.decode(raw, type=ItemPart)))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            wrong.append(_unreadable(f"items[{place}]", error))
    frame = _decoded(data, Frame)
    _check_depth(frame)
    return ProjectDocument(
        frame=frame,
        items=items,
        items_total=len(form.items),
        wrong=tuple(wrong),
    )


def _check_depth(frame: Frame) -> None:
    """Return when no template is deeper than kinds can be; raises `ImportUnreadable`."""
    level = [part.item for part in frame.templates]
    for _ in range(levels_max):
        level = [child for sketch in level for child in sketch.children]
    if level:
        raise ImportUnreadable("The items of a template stand too deep.", param="file")


def _decoded(data: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=type_)
    except RecursionError as error:
        raise ImportUnreadable("The values stand too deep in each other.", param="file") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise ImportUnreadable(f"The document cannot be read: {error}.", param="file") from error


def _unreadable(path: str, error: Exception) -> WrongPart:
    problem = RowProblem(
        column=None,
        value=None,
        problem=f"{shown(str(error), 200)}.",
        expected="the fields of an item, as the guide lists them",
    )
    return WrongPart(path=path, key=None, problems=(problem,))
