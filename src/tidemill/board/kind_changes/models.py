"""What may be a kind, and what a change of it means for the others."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.errors import NullNotAllowed
from tidemill.board.item_kinds.models import BUILT_IN_KEYS, ItemKind, Kinds, valid_key
from tidemill.board.kind_errors import (
    InvalidItemKind,
    ItemKindIsBuiltIn,
    ItemKindTaken,
)
from tidemill.board.kind_facts import ItemKindState
from tidemill.board.labels.models import color_of, valid_color
from tidemill.board.texts import name_key, single_line
from tidemill.core.clock import Instant

name_chars_max: Final = 50
icon_chars_max: Final = 20
parents_max: Final = 20


class NewItemKind(Struct, frozen=True, kw_only=True):
    """What a caller gives to make a kind; `children` are kinds that may hang under it at once."""

    key: str
    name: str
    color: str | None = None
    icon: str | None = None
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    top_level: bool = True
    in_sprints: bool = False


class ItemKindChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays."""

    name: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    icon: str | UnsetType | None = UNSET
    parents: tuple[str, ...] | UnsetType | None = UNSET
    top_level: bool | UnsetType | None = UNSET
    in_sprints: bool | UnsetType | None = UNSET
    retired: bool | UnsetType | None = UNSET


def new_kind(new: NewItemKind, kinds: Kinds) -> ItemKind:
    """Return the kind that `new` asks for, behind all others.

    Raises `InvalidItemKind`, `ItemKindTaken`, `InvalidText` and `InvalidColor`.
    """
    key = valid_key(new.key)
    if kinds.get(key) is not None:
        raise ItemKindTaken("key", key)
    name = _name(new.name)
    kind = ItemKind(
        key=key,
        name=name,
        color=color_of(name) if new.color is None else valid_color(new.color),
        icon=_icon(new.icon),
        parents=_parents(new.parents),
        top_level=new.top_level,
        in_sprints=new.in_sprints,
        position=1 + max(each.position for each in kinds),
    )
    _refuse_twin(kind, kinds)
    return kind


def with_parent(kind: ItemKind, parent: str) -> ItemKind:
    """Return `kind`, which may hang under `parent`, too."""
    return structs.replace(kind, parents=tuple(dict.fromkeys((*kind.parents, parent))))


def without_parent(kind: ItemKind, parent: str) -> ItemKind:
    """Return `kind`, which may hang under `parent` no longer."""
    return structs.replace(kind, parents=tuple(each for each in kind.parents if each != parent))


def changed(kind: ItemKind, changes: ItemKindChanges, kinds: Kinds, *, at: Instant) -> ItemKind:
    """Return `kind` with `changes`, of the same version.

    Raises `NullNotAllowed`, `ItemKindIsBuiltIn`, `ItemKindTaken`, `InvalidItemKind`, `InvalidText`
    and `InvalidColor`.
    """
    for param in ("name", "color", "parents", "top_level", "in_sprints", "retired"):
        if getattr(changes, param) is None:
            raise NullNotAllowed(param)
    _refuse_for_built_in(kind, changes)
    wanted = kind
    if isinstance(changes.name, str):
        wanted = structs.replace(wanted, name=_name(changes.name))
    if isinstance(changes.color, str):
        wanted = structs.replace(wanted, color=valid_color(changes.color))
    if changes.icon is not UNSET:
        wanted = structs.replace(wanted, icon=_icon(changes.icon))
    if isinstance(changes.parents, tuple):
        wanted = structs.replace(wanted, parents=_parents(changes.parents))
    if isinstance(changes.top_level, bool):
        wanted = structs.replace(wanted, top_level=changes.top_level)
    if isinstance(changes.in_sprints, bool):
        wanted = structs.replace(wanted, in_sprints=changes.in_sprints)
    if isinstance(changes.retired, bool) and changes.retired != (kind.retired_at is not None):
        wanted = structs.replace(wanted, retired_at=at if changes.retired else None)
    _refuse_twin(wanted, kinds)
    return wanted


def with_changed(kinds: Kinds, *changed_kinds: ItemKind) -> Kinds:
    """Return `kinds` with some that are new, or that have changed."""
    keys = {kind.key for kind in changed_kinds}
    return Kinds([*(kind for kind in kinds if kind.key not in keys), *changed_kinds])


def state_of(kind: ItemKind) -> ItemKindState:
    """Return what facts carry of a kind."""
    return ItemKindState(
        key=kind.key,
        name=kind.name,
        color=kind.color,
        icon=kind.icon,
        parents=kind.parents,
        top_level=kind.top_level,
        in_sprints=kind.in_sprints,
        retired=kind.retired_at is not None,
        version=kind.version,
    )


def _refuse_for_built_in(kind: ItemKind, changes: ItemKindChanges) -> None:
    if kind.key not in BUILT_IN_KEYS:
        return
    if changes.retired is True:
        raise ItemKindIsBuiltIn(kind.key, "it cannot be retired.", param="retired")
    if changes.in_sprints is not UNSET:
        raise ItemKindIsBuiltIn(
            kind.key,
            "the setting board.sprint_item_types says whether sprints take it.",
            param="in_sprints",
        )


def _refuse_twin(kind: ItemKind, kinds: Kinds) -> None:
    wanted = name_key(kind.name)
    for other in kinds:
        if other.key != kind.key and wanted in {name_key(other.name), other.key}:
            raise ItemKindTaken("name", kind.name)


def _name(text: str) -> str:
    return single_line(text, param="name", chars_max=name_chars_max)


def _icon(text: str | None) -> str | None:
    return None if text is None else single_line(text, param="icon", chars_max=icon_chars_max)


def _parents(keys: tuple[str, ...]) -> tuple[str, ...]:
    if len(keys) > parents_max:
        raise InvalidItemKind("parents", f"there are {len(keys)}; {parents_max} are the limit.")
    return tuple(dict.fromkeys(keys))
