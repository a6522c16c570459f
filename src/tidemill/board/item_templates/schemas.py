"""How templates of work items look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.item_templates.models import ItemTemplate, Sketch
from tidemill.board.item_templates.service import Made
from tidemill.board.work_items.models import Priority
from tidemill.board.work_items.schemas import (
    CustomFields,
    Estimate,
    ItemType,
    Labels,
    Points,
    WorkItemView,
)
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, PageView, View

Title = Annotated[
    str,
    Meta(
        min_length=1,
        description="May hold {project}, {date}, {week}, {month}, {year}, and {names} of values.",
        examples=["Release {version}"],
    ),
]


TemplateValues = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=40)],
        Annotated[str, Meta(min_length=1, max_length=200)],
    ],
    Meta(max_length=20, description="What the titles of a template name in braces."),
]


class TemplateItem(Body, frozen=True, kw_only=True):
    """An item as a template has it; `children` come below it."""

    item_type: ItemType
    title: Title
    description: str | None = None
    priority: Priority | None = None
    assignee_id: str | None = None
    points: Points | None = None
    estimate_seconds: Estimate | None = None
    labels: Labels = ()
    custom_fields: CustomFields = {}  # noqa: RUF012 - each body gets one of its own
    # All items of a template are counted together, by the rules.
    children: tuple[TemplateItem, ...] = ()

    def sketch(self) -> Sketch:
        """Return what the service takes."""
        return Sketch(
            item_type=self.item_type,
            title=self.title,
            description=self.description,
            priority=self.priority,
            assignee_id=self.assignee_id,
            points=self.points,
            estimate_seconds=self.estimate_seconds,
            labels=self.labels,
            custom_fields=self.custom_fields,
            children=tuple(child.sketch() for child in self.children),
        )

    @classmethod
    def of(cls, sketch: Sketch) -> Self:
        """Return the body that would make `sketch`."""
        return cls(
            item_type=sketch.item_type,
            title=sketch.title,
            description=sketch.description,
            priority=sketch.priority,
            assignee_id=sketch.assignee_id,
            points=sketch.points,
            estimate_seconds=sketch.estimate_seconds,
            labels=sketch.labels,
            custom_fields=dict(sketch.custom_fields),
            children=tuple(cls.of(child) for child in sketch.children),
        )


class CreateItemTemplate(Body, frozen=True, kw_only=True):
    """A new template; without a project, items of all projects can be made of it."""

    name: Annotated[str, Meta(min_length=1, examples=["Release"])]
    item: TemplateItem
    description: str | None = None
    project_id: Annotated[str | None, Meta(description="The project's id or key.")] = None


class ChangeItemTemplate(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    item: TemplateItem | UnsetType | None = UNSET
    expected_version: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET


class UseItemTemplate(Body, frozen=True, kw_only=True):
    """Where the items of a template shall be made; the parent is that of the first item.

    `custom_fields` are those of all items; what they name wins over the template.
    """

    project_id: Annotated[
        str | None,
        Meta(description="The project's id or key; else the parent's, or the template's."),
    ] = None
    parent_id: Annotated[str | None, Meta(description="The parent's id or key.")] = None
    title: Annotated[str | None, Meta(description="Instead of the first item's.")] = None
    values: TemplateValues = {}  # noqa: RUF012 - each body gets one of its own
    custom_fields: CustomFields = {}  # noqa: RUF012 - each body gets one of its own


class ItemTemplateView(View, frozen=True, kw_only=True):
    """A template; instants are whole seconds since 1970."""

    id: str
    project_id: str | None
    name: str
    description: str | None
    item: TemplateItem
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str

    @classmethod
    def of(cls, template: ItemTemplate) -> Self:
        """Return the view of `template`."""
        return cls(
            id=template.id,
            project_id=template.project_id,
            name=template.name,
            description=template.description,
            item=TemplateItem.of(template.root),
            version=template.version,
            created_at=template.created_at // MICROSECONDS_PER_SECOND,
            created_by=template.created_by,
            updated_at=template.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=template.updated_by,
        )


class ItemTemplatePage(PageView, frozen=True, kw_only=True):
    """A part of the list of templates, oldest first."""

    items: list[ItemTemplateView]


class MadeItemsView(View, frozen=True, kw_only=True):
    """All items that a use of a template made, at most 50, parents first."""

    items: list[WorkItemView]

    @classmethod
    def of(cls, made: Made) -> Self:
        """Return the view of what was `made`."""
        return cls(items=[WorkItemView.of(item) for item in made.items])
