"""A template and its rules, and how its titles are filled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.contract import ProjectId
from tidemill.board.custom_fields.models import Given
from tidemill.board.errors import NullNotAllowed
from tidemill.board.item_kinds.models import Kinds
from tidemill.board.limits import BoardLimits
from tidemill.board.template_errors import InvalidItemTemplate, TemplateValuesMissing
from tidemill.board.texts import many_lines, single_line
from tidemill.board.work_items.models import Priority, valid_description, valid_points, valid_title
from tidemill.core.clock import Instant

items_max: Final = 50
templates_max: Final = 500
name_chars_max: Final = 100
_VALUE: Final = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")


class Sketch(Struct, frozen=True, kw_only=True):
    """An item as a template has it, and what comes below it; `title` may hold `{names}`."""

    item_type: str
    title: str
    description: str | None = None
    priority: Priority | None = None
    assignee_id: str | None = None
    points: int | None = None
    estimate_seconds: int | None = None
    labels: tuple[str, ...] = ()
    custom_fields: Mapping[str, Given] = {}
    children: tuple[Sketch, ...] = ()


class ItemTemplate(Struct, frozen=True, kw_only=True):
    """A template of a project, or of all of them."""

    id: str
    project_id: ProjectId | None
    name: str
    description: str | None
    root: Sketch
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str


class NewItemTemplate(Struct, frozen=True, kw_only=True):
    """What a caller gives to make a template; without a project it is for all of them."""

    name: str
    root: Sketch
    description: str | None = None
    project: str | None = None


class ItemTemplateChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    root: Sketch | UnsetType | None = UNSET


class TemplateUse(Struct, frozen=True, kw_only=True):
    """What a caller gives to make the items of a template.

    `parent` and `title` are those of the first item; `custom_fields` are of all, and win over the
    template's.
    """

    project: str | None = None
    parent: str | None = None
    title: str | None = None
    values: Mapping[str, str] = {}
    custom_fields: Mapping[str, Given] = {}


def changed(
    template: ItemTemplate, changes: ItemTemplateChanges, kinds: Kinds, limits: BoardLimits
) -> ItemTemplate:
    """Return `template` with `changes`, of the same version.

    Raises `NullNotAllowed`, `InvalidText` and what `valid_root` raises.
    """
    if changes.name is None:
        raise NullNotAllowed("name")
    if changes.root is None:
        raise NullNotAllowed("item")
    wanted = template
    if changes.name is not UNSET:
        wanted = structs.replace(wanted, name=valid_name(changes.name))
    if changes.description is not UNSET:
        about = valid_about(changes.description, limits)
        wanted = structs.replace(wanted, description=about)
    if changes.root is not UNSET:
        wanted = structs.replace(wanted, root=valid_root(changes.root, kinds, limits))
    return wanted


def valid_name(text: str) -> str:
    """Return a name on one line; raises `InvalidText`."""
    return single_line(text, param="name", chars_max=name_chars_max)


def valid_about(text: str | None, limits: BoardLimits) -> str | None:
    """Return what a template is for; raises `InvalidText`."""
    return many_lines(text, param="description", chars_max=limits.description_chars_max)


def valid_root(root: Sketch, kinds: Kinds, limits: BoardLimits) -> Sketch:
    """Return the items of a template with tidy texts.

    Raises `InvalidItemTemplate` where there are too many or one cannot hang where it does,
    `UnknownItemType`, `ItemKindIsRetired`, `InvalidText` and `InvalidPoints`.
    """
    count = sum(1 for _ in sketches(root))
    if count > items_max:
        raise InvalidItemTemplate("item", f"it makes {count} items; {items_max} are the limit.")
    return _valid(root, kinds, limits)


def sketches(root: Sketch) -> Iterator[Sketch]:
    """Yield an item of a template and all below it, parents first."""
    yield root
    for child in root.children:
        yield from sketches(child)


def filled(title: str, values: Mapping[str, str], *, param: str) -> str:
    """Return a title with `values` in place of their `{names}`; raises `TemplateValuesMissing`."""
    missing = [name for name in dict.fromkeys(_VALUE.findall(title)) if name not in values]
    if missing:
        raise TemplateValuesMissing(missing, param=param)
    return _VALUE.sub(lambda match: values[match[1]], title)


def usual_values(project_key: str, today: date) -> dict[str, str]:
    """Return what each title may name without anybody giving it; `today` is the project's."""
    year, week, _ = today.isocalendar()
    return {
        "project": project_key,
        "date": today.isoformat(),
        "month": f"{today:%Y-%m}",
        "week": f"{year}-W{week:02}",
        "year": str(today.year),
    }


def _valid(sketch: Sketch, kinds: Kinds, limits: BoardLimits) -> Sketch:
    kinds.check(sketch.item_type)
    for child in sketch.children:
        kinds.check(child.item_type)
        if sketch.item_type not in kinds.parents_of(child.item_type):
            raise InvalidItemTemplate(
                "item", f"{child.item_type} does not hang below {sketch.item_type}."
            )
    return structs.replace(
        sketch,
        title=valid_title(sketch.title, limits),
        description=valid_description(sketch.description, limits),
        points=valid_points(sketch.points),
        children=tuple(_valid(child, kinds, limits) for child in sketch.children),
    )
