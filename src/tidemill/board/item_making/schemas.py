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
    "due_date", "labels", "sprint_id", "custom_fields",
)  # fmt: skip


class CreateWorkItem(Body, frozen=True, kw_only=True):
    """A new item; its project may be left out when a parent is named.

    With `template_id` whatever is left out is as the template has it.
    """

    item_type: ItemType | UnsetType = UNSET
    title: Annotated[str, Meta(min_length=1, examples=["Read the tide tables"])] | UnsetType = UNSET
    project_id: Annotated[
        str | None, Meta(description="The project's id or key.", examples=["TM"])
    ] = None
    parent_id: Annotated[
        str | None, Meta(description="The parent's id or key.", examples=["TM-1"])
    ] = None
    description: str | None = None
    status: str | None = None
    priority: Priority | UnsetType = UNSET
    assignee_id: str | None = None
    points: Points | None = None
    estimate_seconds: Estimate | None = None
    start_date: date | None = None
    due_date: date | None = None
    labels: Labels = ()
    sprint_id: Annotated[
        str | None, Meta(description="A planned or active sprint of the project.")
    ] = None
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
            if getattr(self, param):
                raise NotOfProjects(param)
        return self.project_key, _present(self.title, "title"), self.description

    def given(self) -> dict[str, Any]:
        """Return the fields of a `NewWorkItem` that somebody gave."""
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
        empty: tuple[object, ...] = (None, UNSET, (), {})
        return {name: value for name, value in said.items() if value not in empty}

    def new(self) -> NewWorkItem:
        """Return what makes the item; raises `ValidationFailed` without a type or a title."""
        _present(self.item_type, "item_type")
        _present(self.title, "title")
        return NewWorkItem(**self.given())


def _present(value: str | UnsetType, param: str) -> str:
    if value is UNSET:
        raise ValidationFailed(f"{param}: it is missing.", param=param)
    return value
