"""How views look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.views.models import View
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, PageView
from tidemill.http import View as Document

_FilterText = Annotated[str, Meta(examples=["is:open assignee:me sort:-updated"])]


class CreateView(Body, frozen=True, kw_only=True):
    """A filter to keep; without a project it goes over all of them."""

    name: Annotated[str, Meta(min_length=1, examples=["My open items"])]
    filter: _FilterText
    project_id: Annotated[
        str | None, Meta(description="The id or key of the project.", examples=["TM"])
    ] = None
    is_shared: Annotated[bool, Meta(description="Whether all of the tenant see it.")] = False


class ChangeView(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    name: str | UnsetType | None = UNSET
    filter: str | UnsetType | None = UNSET
    is_shared: bool | UnsetType | None = UNSET


class ViewDocument(Document, frozen=True, kw_only=True):
    """A view; instants are whole seconds since 1970."""

    id: str
    project_id: str | None
    name: str
    filter: str
    is_shared: bool
    owner_id: str
    version: int
    created_at: int
    updated_at: int
    updated_by: str

    @classmethod
    def of(cls, view: View) -> Self:
        """Return the document of `view`."""
        return cls(
            id=view.id,
            project_id=view.project_id,
            name=view.name,
            filter=view.filter,
            is_shared=view.is_shared,
            owner_id=view.owner_id,
            version=view.version,
            created_at=view.created_at // MICROSECONDS_PER_SECOND,
            updated_at=view.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=view.updated_by,
        )


class ViewPage(PageView, frozen=True, kw_only=True):
    """A part of the list of views, oldest first."""

    items: list[ViewDocument]
