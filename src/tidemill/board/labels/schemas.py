"""How labels look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.labels.models import Label
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, PageView, View


class CreateLabel(Body, frozen=True, kw_only=True):
    """A new label; without a project, items of all projects can bear it."""

    name: Annotated[str, Meta(min_length=1, description="Without a comma.", examples=["tides"])]
    color: Annotated[
        str | None,
        Meta(description="#rrggbb; one is chosen by the name.", examples=["#0aa2c0"]),
    ] = None
    description: str | None = None
    project_id: Annotated[str | None, Meta(description="The project's id or key.")] = None


class ChangeLabel(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    name: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    expected_version: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET


class LabelView(View, frozen=True, kw_only=True):
    """A label; instants are whole seconds since 1970."""

    id: str
    project_id: str | None
    name: str
    color: str
    description: str | None
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str

    @classmethod
    def of(cls, label: Label) -> Self:
        """Return the view of `label`."""
        return cls(
            id=label.id,
            project_id=label.project_id,
            name=label.name,
            color=label.color,
            description=label.description,
            version=label.version,
            created_at=label.created_at // MICROSECONDS_PER_SECOND,
            created_by=label.created_by,
            updated_at=label.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=label.updated_by,
        )


class LabelPage(PageView, frozen=True, kw_only=True):
    """A part of the list of labels, oldest first."""

    items: list[LabelView]
