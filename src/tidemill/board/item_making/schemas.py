"""What makes a work item, on the wire."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.errors import NotOfProjects
from tidemill.board.item_templates.schemas import TemplateValues
from tidemill.board.work_items.models import NewWorkItem, Priority
from tidemill.board.work_items.schemas import CustomFields, Estimate, ItemType, Labels, Points
from tidemill.http import Body
from tidemill.http.validation import ValidationFailed

_OF_ITEMS: Final = (
    "project_id", "parent_id", "status", "assignee_id", "points", "estimate_seconds", "start_date",
    "due_date", "labels", "sprint_id", "custom_fields", "priority", "template_id",
    "template_values",
)  # fmt: skip
_NOTHING: Final[tuple[object, ...]] = (None, UNSET, (), {})


class CreateWorkItem(Body, frozen=True, kw_only=True):
    """A new item; its project may be left out when a parent is named.

    With `template_id` whatever is left out is as the template has it; null and an empty list are
    said, and leave the item without what the template has.
    """

    item_type: ItemType | UnsetType = UNSET
    title: Annotated[str, Meta(min_length=1, examples=["Read the tide tables"])] | UnsetType = UNSET
    project_id: Annotated[
        str | None, Meta(description="The project's id or key.", examples=["TM"])
    ] = None
    parent_id: Annotated[
        str | None, Meta(description="The parent's id or key.", examples=["TM-1"])
    ] = None
    description: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    assignee_id: str | UnsetType | None = UNSET
    points: Points | UnsetType | None = UNSET
    estimate_seconds: Estimate | UnsetType | None = UNSET
    start_date: date | UnsetType | None = UNSET
    due_date: date | UnsetType | None = UNSET
    labels: Labels | UnsetType = UNSET
    sprint_id: (
        Annotated[str | None, Meta(description="A planned or active sprint of the project.")]
        | UnsetType
    ) = UNSET
    template_id: Annotated[
        str | None, Meta(description="The template whose first item this is like.")
    ] = None
    template_values: TemplateValues = {}  # noqa: RUF012 - each body gets one of its own
    custom_fields: CustomFields = {}  # noqa: RUF012 - each body gets one of its own
    project_key: Annotated[
        str | None,
        Meta(description="With item_type project, the new project's key; else made of its title."),
    ] = None

    def project_fields(self) -> tuple[str | None, str, str | None]:
        """Return key, name and description of the project that is asked for.

        Raises `NotOfProjects` for what items alone have.
        """
        for param in _OF_ITEMS:
            if getattr(self, param) not in _NOTHING:
                raise NotOfProjects(param)
        description = None if self.description is UNSET else self.description
        return self.project_key, _present(self.title, "title"), description

    def given(self) -> dict[str, Any]:
        """Return the fields of a `NewWorkItem` that somebody gave, also those given as empty."""
        said = {
            "item_type": self.item_type,
            "title": self.title,
            "project": self.project_id,
            "parent": self.parent_id,
            "description": self.description,
            "status": self.status,
            "priority": self.priority,
            "assignee_id": self.assignee_id,
            "points": self.points,
            "estimate_seconds": self.estimate_seconds,
            "start_date": self.start_date,
            "due_date": self.due_date,
            "labels": self.labels,
            "sprint": self.sprint_id,
            "custom_fields": self.custom_fields,
        }
        return {name: value for name, value in said.items() if value is not UNSET}

    def new(self) -> NewWorkItem:
        """Return what makes the item.

        Raises `ValidationFailed` without a type or a title, and for values without a template.
        """
        if self.template_values:
            raise ValidationFailed(
                "template_values: they fill a template. Name it in template_id, or leave them out.",
                param="template_values",
            )
        _present(self.item_type, "item_type")
        _present(self.title, "title")
        return NewWorkItem(**self.given())


def _present(value: str | UnsetType, param: str) -> str:
    if value is UNSET:
        raise ValidationFailed(f"{param}: it is missing.", param=param)
    return value
