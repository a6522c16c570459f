"""How dependencies look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.board.dependencies.models import Dependency, DependencyType, LinkedItem
from tidemill.board.workflows.models import Category
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, PageView, View

dependencies_per_request_max = 500


class CreateDependency(Body, frozen=True, kw_only=True):
    """Joins two items: the first blocks, relates to or duplicates the second."""

    blocking_item_id: Annotated[
        str, Meta(description="The id or key of the first item.", examples=["TM-3"])
    ]
    blocked_item_id: Annotated[
        str, Meta(description="The id or key of the second item.", examples=["TM-7"])
    ]
    dependency_type: DependencyType = DependencyType.BLOCKS
    close: Annotated[
        bool, Meta(description="Also cancel the first item, which duplicates the second.")
    ] = False


class CreateDependencies(Body, frozen=True, kw_only=True):
    """Joins items, all of them or none."""

    dependencies: Annotated[
        list[CreateDependency], Meta(min_length=1, max_length=dependencies_per_request_max)
    ]


class LinkedItemView(View, frozen=True, kw_only=True):
    """An item that is joined to another one."""

    id: str
    key: str
    project_id: str
    title: str
    status: str
    status_category: Category | None

    @classmethod
    def of(cls, item: LinkedItem) -> Self:
        """Return the view of `item`."""
        return cls(
            id=item.id,
            key=item.key,
            project_id=item.project_id,
            title=item.title,
            status=item.status,
            status_category=Category(item.status_category) if item.status_category else None,
        )


class DependencyView(View, frozen=True, kw_only=True):
    """What joins two items; `created_at` is whole seconds since 1970."""

    id: str
    dependency_type: DependencyType
    blocking_item_id: str
    blocked_item_id: str
    blocking_item: LinkedItemView
    blocked_item: LinkedItemView
    created_at: int
    created_by: str

    @classmethod
    def of(cls, dependency: Dependency) -> Self:
        """Return the view of `dependency`."""
        return cls(
            id=dependency.id,
            dependency_type=dependency.dependency_type,
            blocking_item_id=dependency.blocking.id,
            blocked_item_id=dependency.blocked.id,
            blocking_item=LinkedItemView.of(dependency.blocking),
            blocked_item=LinkedItemView.of(dependency.blocked),
            created_at=dependency.created_at // MICROSECONDS_PER_SECOND,
            created_by=dependency.created_by,
        )


class DependencyPage(PageView, frozen=True, kw_only=True):
    """A part of a list of dependencies."""

    items: list[DependencyView]


class CreatedDependencies(View, frozen=True, kw_only=True):
    """The dependencies of a list, in its order."""

    items: list[DependencyView]
