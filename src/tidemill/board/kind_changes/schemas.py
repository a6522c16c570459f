"""How kinds of work items look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.item_kinds.models import ItemKind
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.http import Body, PageView, View

Icon = Annotated[str | None, Meta(description="A short text, such as an emoji.", examples=["🚀"])]
KindKeys = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=40)], ...], Meta(max_length=20)
]


class CreateItemKind(Body, frozen=True, kw_only=True):
    """A new kind; `parents` are the kinds under which it may hang.

    `children` are kinds that may hang under it, which gets among their parents.
    """

    key: Annotated[
        str,
        Meta(
            description="What items have as their item_type: lower-case letters, digits and "
            "underscores, a letter first.",
            examples=["feature"],
        ),
    ]
    name: Annotated[str, Meta(min_length=1, examples=["Feature"])]
    color: Annotated[
        str | None,
        Meta(description="#rrggbb; one is chosen by the name.", examples=["#0aa2c0"]),
    ] = None
    icon: Icon = None
    parents: KindKeys = ()
    children: KindKeys = ()
    top_level: Annotated[
        bool, Meta(description="Whether one may hang right under the project.")
    ] = True
    in_sprints: Annotated[bool, Meta(description="Whether sprints take it.")] = False


class ChangeItemKind(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    name: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    icon: Icon | UnsetType = UNSET
    parents: KindKeys | UnsetType | None = UNSET
    top_level: bool | UnsetType | None = UNSET
    in_sprints: bool | UnsetType | None = UNSET
    retired: (
        Annotated[bool | None, Meta(description="Whether no item shall get this kind any more.")]
        | UnsetType
    ) = UNSET
    expected_version: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET


class ItemKindView(View, frozen=True, kw_only=True):
    """A kind; instants are whole seconds since 1970, null where nobody has changed it yet."""

    key: str
    name: str
    color: str
    icon: str | None
    parents: list[str]
    top_level: bool
    in_sprints: bool
    built_in: bool
    retired_at: int | None
    version: int
    created_at: int | None
    created_by: str | None
    updated_at: int | None
    updated_by: str | None

    @classmethod
    def of(cls, kind: ItemKind) -> Self:
        """Return the view of `kind`."""
        return cls(
            key=kind.key,
            name=kind.name,
            color=kind.color,
            icon=kind.icon,
            parents=list(kind.parents),
            top_level=kind.top_level,
            in_sprints=bool(kind.in_sprints),
            built_in=kind.is_built_in,
            retired_at=_seconds(kind.retired_at),
            version=kind.version,
            created_at=_seconds(kind.created_at),
            created_by=kind.created_by,
            updated_at=_seconds(kind.updated_at),
            updated_by=kind.updated_by,
        )


class ItemKindPage(PageView, frozen=True, kw_only=True):
    """A part of the list of kinds, in their order."""

    items: list[ItemKindView]


def _seconds(at: Instant | None) -> int | None:
    return None if at is None else at // MICROSECONDS_PER_SECOND
