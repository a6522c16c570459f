"""A custom field and its rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.contract import ProjectId
from tidemill.board.custom_field_errors import CustomFieldTypeFixed, InvalidCustomField
from tidemill.board.custom_field_facts import ChoiceState, CustomFieldId, CustomFieldState
from tidemill.board.errors import NullNotAllowed
from tidemill.board.labels.models import valid_color
from tidemill.board.texts import many_lines, name_key, single_line
from tidemill.core.clock import Instant

name_chars_max: Final = 100
help_chars_max: Final = 1_000
value_chars_max: Final = 500
choices_max: Final = 200

_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_CHOICE_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


class FieldType(StrEnum):
    """What values of a field are."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    USER = "user"
    LINK = "link"


_BOUNDED: Final = frozenset({FieldType.NUMBER, FieldType.DATE})
_MEASURED: Final = frozenset({FieldType.TEXT, FieldType.LINK})


class Choice(Struct, frozen=True, kw_only=True):
    """One of the values of a choice field; a retired one is chosen no more."""

    id: str
    name: str
    color: str | None = None
    is_retired: bool = False


class Rules(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What values are held to: bounds of numbers and days, characters of texts, choices in order.

    Bounds belong to what they allow, and are written as values are.
    """

    minimum: str | None = None
    maximum: str | None = None
    length_max: int | None = None
    choices: tuple[Choice, ...] = ()


class CustomField(Struct, frozen=True):
    """A field of the items of a project, or of all of them, in the order of its columns."""

    id: CustomFieldId
    project_id: ProjectId | None
    key: str
    name: str
    field_type: FieldType
    help: str | None
    is_required: bool
    default: str | None
    rules: Rules
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str

    def state(self) -> CustomFieldState:
        """Return what facts carry of the field."""
        return CustomFieldState(
            id=self.id,
            project_id=self.project_id,
            key=self.key,
            name=self.name,
            field_type=self.field_type.value,
            help=self.help,
            is_required=self.is_required,
            default=self.default,
            minimum=self.rules.minimum,
            maximum=self.rules.maximum,
            length_max=self.rules.length_max,
            choices=tuple(
                ChoiceState(id=one.id, name=one.name, color=one.color, is_retired=one.is_retired)
                for one in self.rules.choices
            ),
            version=self.version,
        )

    def choice(self, reference: str) -> Choice | None:
        """Return the choice with this id, or else with this name in any case."""
        by_id = next((one for one in self.rules.choices if one.id == reference), None)
        key = name_key(reference.strip())
        named = (one for one in self.rules.choices if name_key(one.name) == key)
        return by_id or next(named, None)


Given = str | int | float | None
"""A value as callers write it; numbers are exact as text."""


class GivenChoice(Struct, frozen=True, kw_only=True):
    """A choice as a caller gives it; without an id it gets one that its name suggests."""

    name: str
    id: str | None = None
    color: str | None = None
    is_retired: bool = False


class NewCustomField(Struct, frozen=True, kw_only=True):
    """What a caller gives to make a field; without a project it is for all of them."""

    key: str
    name: str
    field_type: FieldType
    project: str | None = None
    help: str | None = None
    is_required: bool = False
    default: Given = None
    minimum: Given = None
    maximum: Given = None
    length_max: int | None = None
    choices: tuple[GivenChoice, ...] = ()


class CustomFieldChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays, and null empties what can be empty.

    `choices` are all that shall be offered, in their order.
    """

    name: str | UnsetType | None = UNSET
    field_type: FieldType | UnsetType = UNSET
    help: str | UnsetType | None = UNSET
    is_required: bool | UnsetType = UNSET
    default: Given | UnsetType = UNSET
    minimum: Given | UnsetType = UNSET
    maximum: Given | UnsetType = UNSET
    length_max: int | UnsetType | None = UNSET
    choices: tuple[GivenChoice, ...] | UnsetType = UNSET


def is_key(text: str) -> bool:
    """Return whether `text` can be the key of a field."""
    return _KEY.fullmatch(text) is not None


def valid_key(text: str) -> str:
    """Return a key; raises `InvalidCustomField`."""
    if not is_key(text):
        raise InvalidCustomField(
            "key",
            "A key starts with a letter and holds at most 50 lower-case letters, digits, - and _, "
            "such as due-on-site.",
        )
    return text


def valid_name(text: str) -> str:
    """Return a name on one line; raises `InvalidText`."""
    return single_line(text, param="name", chars_max=name_chars_max)


def valid_help(text: str | None) -> str | None:
    """Return help with plain line ends; raises `InvalidText`."""
    return many_lines(text, param="help", chars_max=help_chars_max)


def valid_choices(
    field_type: FieldType, given: Sequence[GivenChoice], old: Sequence[Choice] = ()
) -> tuple[Choice, ...]:
    """Return choices, each with an id of its own; one that had the name before keeps its id.

    Raises `InvalidCustomField`, `InvalidText` and `InvalidColor`.
    """
    if field_type is not FieldType.CHOICE:
        if given:
            raise InvalidCustomField("choices", f"A {field_type} field offers no choices.")
        return ()
    if all(one.is_retired for one in given):
        raise InvalidCustomField("choices", "A choice field needs at least one choice.")
    if len(given) > choices_max:
        raise InvalidCustomField("choices", f"{choices_max} choices are the limit.")
    by_name = {name_key(one.name): one.id for one in old}
    taken = {one.id for one in given if one.id is not None}
    choices: list[Choice] = []
    for place, one in enumerate(given, 1):
        name = single_line(one.name, param="choices", chars_max=name_chars_max)
        known = by_name.get(name_key(name))
        id_ = one.id or (known if known not in taken else None) or _slug(name, place, taken)
        taken.add(id_)
        color = valid_color(one.color) if one.color is not None else None
        choices.append(Choice(id=id_, name=name, color=color, is_retired=one.is_retired))
    _check_distinct(choices)
    return tuple(choices)


def with_retired(
    choices: tuple[Choice, ...], old: Sequence[Choice], used: Collection[str]
) -> tuple[Choice, ...]:
    """Return `choices`, and behind them those of `old` that they lack and items still have."""
    kept = {one.id for one in choices}
    gone = (one for one in old if one.id in used and one.id not in kept)
    return (*choices, *(structs.replace(one, is_retired=True) for one in gone))


def check_rules(field_type: FieldType, rules: Rules) -> None:
    """Return when `rules` can hold values of a type; raises `InvalidCustomField`."""
    for param, value in (("minimum", rules.minimum), ("maximum", rules.maximum)):
        if value is not None and field_type not in _BOUNDED:
            raise InvalidCustomField(
                param, f"A {field_type} field has no {param}; number and date fields have."
            )
    if rules.length_max is None:
        return
    if field_type not in _MEASURED:
        raise InvalidCustomField(
            "length_max", f"A {field_type} field has no length_max; text and link fields have."
        )
    if not 1 <= rules.length_max <= value_chars_max:
        raise InvalidCustomField("length_max", f"Give 1 to {value_chars_max} characters.")


def check_type(field: CustomField, wanted: FieldType | UnsetType) -> None:
    """Return when a field keeps its type; raises `CustomFieldTypeFixed`."""
    if wanted is not UNSET and wanted is not field.field_type:
        raise CustomFieldTypeFixed(field.key, field.field_type, wanted)


def renamed(field: CustomField, changes: CustomFieldChanges) -> CustomField:
    """Return `field` with what needs no look at its values.

    Raises `NullNotAllowed` and `InvalidText`.
    """
    if changes.name is None:
        raise NullNotAllowed("name")
    return structs.replace(
        field,
        name=field.name if changes.name is UNSET else valid_name(changes.name),
        help=field.help if changes.help is UNSET else valid_help(changes.help),
        is_required=field.is_required if changes.is_required is UNSET else changes.is_required,
    )


def _check_distinct(choices: Sequence[Choice]) -> None:
    ids, names = [one.id for one in choices], [name_key(one.name) for one in choices]
    if wrong := next((id_ for id_ in ids if _CHOICE_ID.fullmatch(id_) is None), None):
        raise InvalidCustomField(
            "choices",
            f"{wrong} is no id of a choice: write lower-case letters, digits, - and _.",
        )
    if len(set(ids)) < len(ids) or len(set(names)) < len(names):
        raise InvalidCustomField("choices", "Each choice needs an id and a name of its own.")
    for place, name in enumerate(names):
        if name in ids and ids.index(name) != place:
            raise InvalidCustomField(
                "choices", f"{name} is the name of one choice and the id of another."
            )


def _slug(name: str, place: int, taken: Collection[str]) -> str:
    slug = _NO_SLUG.sub("-", name_key(name)).strip("-")[:40] or f"choice-{place}"
    numbered = (f"{slug}-{number}" for number in range(2, choices_max + 3))
    return slug if slug not in taken else next(each for each in numbered if each not in taken)
