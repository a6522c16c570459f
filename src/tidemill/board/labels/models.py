"""A label and its rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from zlib import crc32

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.contract import LabelId, LabelState, ProjectId
from tidemill.board.errors import NullNotAllowed
from tidemill.board.label_errors import InvalidColor, InvalidLabelName
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import is_uuid, many_lines, name_key, single_line
from tidemill.core.clock import Instant

_COLOR: Final = re.compile(r"#[0-9a-f]{6}")
# Told apart by people who see few colours, and readable below dark and light text.
_PALETTE: Final = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6d31", "#7f7f7f",
)  # fmt: skip
separator: Final = ","
"""Parts labels where several are written in one text."""


class Label(Struct, frozen=True):
    """A label of a project, or of all of them, in the order of its columns."""

    id: LabelId
    project_id: ProjectId | None
    name: str
    color: str
    description: str | None
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    deleted_at: Instant | None = None

    def state(self) -> LabelState:
        """Return what facts carry of the label."""
        return LabelState(
            id=self.id,
            project_id=self.project_id,
            name=self.name,
            color=self.color,
            description=self.description,
            version=self.version,
            deleted_at=self.deleted_at,
        )


class ItemLabel(Struct, frozen=True):
    """What an item shows of a label that it bears."""

    id: LabelId
    name: str
    color: str


class NewLabel(Struct, frozen=True, kw_only=True):
    """What a caller gives to make a label; without a project it is for all of them."""

    name: str
    color: str | None = None
    description: str | None = None
    project: str | None = None


class LabelChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays."""

    name: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


def changed(label: Label, changes: LabelChanges, limits: BoardLimits) -> Label:
    """Return `label` with `changes`, of the same version.

    Raises `NullNotAllowed`, `InvalidText`, `InvalidLabelName` and `InvalidColor`.
    """
    name, color, description = label.name, label.color, label.description
    if changes.name is None:
        raise NullNotAllowed("name")
    if changes.color is None:
        raise NullNotAllowed("color")
    if changes.name is not UNSET:
        name = valid_name(changes.name, limits)
    if changes.color is not UNSET:
        color = valid_color(changes.color)
    if changes.description is not UNSET:
        description = valid_description(changes.description, limits)
    return structs.replace(label, name=name, color=color, description=description)


def valid_name(text: str, limits: BoardLimits, *, param: str = "name") -> str:
    """Return a name on one line; raises `InvalidText` and `InvalidLabelName`."""
    name = single_line(text, param=param, chars_max=limits.label_name_chars_max)
    if separator in name:
        raise InvalidLabelName("has no comma: lists of labels are written with commas")
    if is_uuid(name.lower()):
        raise InvalidLabelName("is no UUID: labels are found by id or by name")
    return name


def valid_description(text: str | None, limits: BoardLimits) -> str | None:
    """Return a description with plain line ends; raises `InvalidText`."""
    return many_lines(text, param="description", chars_max=limits.label_description_chars_max)


def valid_color(text: str) -> str:
    """Return a colour in lower case; raises `InvalidColor`."""
    color = text.strip().lower()
    if _COLOR.fullmatch(color) is None:
        raise InvalidColor(text)
    return color


def color_of(name: str) -> str:
    """Return the colour of a label for which nobody chose one."""
    return _PALETTE[crc32(name_key(name).encode()) % len(_PALETTE)]


def joined_ids(labels: Iterable[ItemLabel]) -> str:
    """Return the ids of labels as an item keeps them."""
    return separator.join(sorted(label.id for label in labels))


def split_ids(text: str) -> tuple[LabelId, ...]:
    """Return the ids that an item keeps."""
    return tuple(LabelId(id_) for id_ in text.split(separator)) if text else ()


def by_name(labels: Iterable[ItemLabel]) -> tuple[ItemLabel, ...]:
    """Return labels in the order that people see."""
    return tuple(sorted(labels, key=lambda label: (name_key(label.name), label.id)))
