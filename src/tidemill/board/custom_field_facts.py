"""What is told of custom fields; a part of the board's contract."""

from __future__ import annotations

from typing import NewType

from msgspec import Struct

from tidemill.board.contract import BoardFact, ProjectId, project_topic
from tidemill.core.facts import Topic

CustomFieldId = NewType("CustomFieldId", str)


class ChoiceState(Struct, frozen=True, kw_only=True):
    """A choice as facts carry it; a retired one is chosen no more, and stays where it is."""

    id: str
    name: str
    color: str | None
    is_retired: bool


class CustomFieldState(Struct, frozen=True, kw_only=True):
    """A custom field as facts carry it; one without a project is for all of them.

    `default`, `minimum` and `maximum` are texts as values are; `length_max` counts characters.
    """

    id: CustomFieldId
    project_id: ProjectId | None
    key: str
    name: str
    field_type: str
    help: str | None
    is_required: bool
    default: str | None
    minimum: str | None
    maximum: str | None
    length_max: int | None
    choices: tuple[ChoiceState, ...]
    version: int


class CustomFieldFact(BoardFact, frozen=True, kw_only=True):
    """Base of the facts of custom fields."""

    custom_field: CustomFieldState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project; who follows the tenant hears of fields for all projects."""
        project_id = self.custom_field.project_id
        return () if project_id is None else (project_topic(project_id),)

    @property
    def subject(self) -> str:
        """Return the field's id."""
        return self.custom_field.id


class CustomFieldCreated(CustomFieldFact, frozen=True, kw_only=True):
    """A custom field was made."""


class CustomFieldUpdated(CustomFieldFact, frozen=True, kw_only=True):
    """A custom field's name, help, choices, default or limits changed."""


class CustomFieldDeleted(CustomFieldFact, frozen=True, kw_only=True):
    """A custom field was deleted, and with it what items had there.

    Those items have no new versions, and no facts of their own.
    """
