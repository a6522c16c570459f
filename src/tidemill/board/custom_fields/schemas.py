"""How custom fields look on the wire."""

from __future__ import annotations

from typing import Annotated, Final, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.custom_fields.models import (
    CustomField,
    CustomFieldChanges,
    FieldType,
    GivenChoice,
    NewCustomField,
    value_chars_max,
)
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, PageView, View

_bound: Final = "Of number and date fields: what values are held to, the bound among them."
Bound = Annotated[str | int | float | None, Meta(description=_bound)]
Default = Annotated[
    str | int | float | None,
    Meta(description="What new items have where nobody says otherwise."),
]
Length = Annotated[
    int, Meta(ge=1, le=value_chars_max, description="Characters of text and link fields.")
]


class ChoiceBody(Body, frozen=True, kw_only=True):
    """A choice; without an id it gets one that its name suggests."""

    name: Annotated[str, Meta(min_length=1, examples=["High"])]
    id: Annotated[str | None, Meta(examples=["high"])] = None
    color: Annotated[str | None, Meta(description="#rrggbb", examples=["#d55e00"])] = None
    retired: bool = False

    def given(self) -> GivenChoice:
        """Return the choice as the service takes it."""
        return GivenChoice(name=self.name, id=self.id, color=self.color, is_retired=self.retired)


Choices = Annotated[
    tuple[ChoiceBody, ...],
    Meta(description="Of choice fields: what they offer, in order; 200 at most."),
]


class CreateCustomField(Body, frozen=True, kw_only=True):
    """A new field; without a project, items of all projects have it."""

    key: Annotated[
        str,
        Meta(
            description="How items and filters name it: lower-case letters, digits, - and _.",
            examples=["severity"],
        ),
    ]
    name: Annotated[str, Meta(min_length=1, examples=["Severity"])]
    type: FieldType
    project_id: Annotated[str | None, Meta(description="The project's id or key.")] = None
    help: str | None = None
    required: Annotated[bool, Meta(description="Whether each new item must have a value.")] = False
    default: Default = None
    minimum: Bound = None
    maximum: Bound = None
    length_max: Length | None = None
    choices: Choices = ()

    def wanted(self) -> NewCustomField:
        """Return the field as the service takes it."""
        return NewCustomField(
            key=self.key,
            name=self.name,
            field_type=self.type,
            project=self.project_id,
            help=self.help,
            is_required=self.required,
            default=self.default,
            minimum=self.minimum,
            maximum=self.maximum,
            length_max=self.length_max,
            choices=tuple(choice.given() for choice in self.choices),
        )


class ChangeCustomField(Body, frozen=True, kw_only=True):
    """What shall change: a member that is left out stays, null empties it.

    `choices` are all that the field shall offer; one that items have and that is left out is
    retired. The type stays: to send another one is refused.
    """

    name: str | UnsetType | None = UNSET
    type: FieldType | UnsetType = UNSET
    help: str | UnsetType | None = UNSET
    required: bool | UnsetType = UNSET
    default: Default | UnsetType = UNSET
    minimum: Bound | UnsetType = UNSET
    maximum: Bound | UnsetType = UNSET
    length_max: Length | UnsetType | None = UNSET
    choices: Choices | UnsetType = UNSET
    expected_version: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET

    def wanted(self) -> CustomFieldChanges:
        """Return the changes as the service takes them."""
        choices = self.choices
        return CustomFieldChanges(
            name=self.name,
            field_type=self.type,
            help=self.help,
            is_required=self.required,
            default=self.default,
            minimum=self.minimum,
            maximum=self.maximum,
            length_max=self.length_max,
            choices=UNSET if choices is UNSET else tuple(each.given() for each in choices),
        )


class ChoiceView(View, frozen=True, kw_only=True):
    """A choice; items name it by its id. A retired one is chosen no more."""

    id: str
    name: str
    color: str | None
    retired: bool


class CustomFieldView(View, frozen=True, kw_only=True):
    """A custom field; instants are whole seconds since 1970, bounds are texts as values are."""

    id: str
    project_id: str | None
    key: str
    name: str
    type: FieldType
    help: str | None
    required: bool
    default: str | None
    minimum: str | None
    maximum: str | None
    length_max: int | None
    choices: list[ChoiceView]
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str

    @classmethod
    def of(cls, field: CustomField) -> Self:
        """Return the view of `field`."""
        return cls(
            id=field.id,
            project_id=field.project_id,
            key=field.key,
            name=field.name,
            type=field.field_type,
            help=field.help,
            required=field.is_required,
            default=field.default,
            minimum=field.rules.minimum,
            maximum=field.rules.maximum,
            length_max=field.rules.length_max,
            choices=[
                ChoiceView(id=one.id, name=one.name, color=one.color, retired=one.is_retired)
                for one in field.rules.choices
            ],
            version=field.version,
            created_at=field.created_at // MICROSECONDS_PER_SECOND,
            created_by=field.created_by,
            updated_at=field.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=field.updated_by,
        )


class CustomFieldPage(PageView, frozen=True, kw_only=True):
    """A part of the list of custom fields, oldest first."""

    items: list[CustomFieldView]
