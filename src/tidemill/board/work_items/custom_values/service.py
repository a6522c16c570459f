"""Fills in custom fields of items; each method works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET, UnsetType, structs

from tidemill.board.access_errors import AssigneeWithoutAccess
from tidemill.board.contract import ProjectId
from tidemill.board.custom_field_errors import (
    CustomFieldRequired,
    InvalidCustomValue,
    UnknownCustomField,
    value_param,
)
from tidemill.board.custom_fields.models import CustomField, FieldType, Given
from tidemill.board.custom_fields.repository import CustomFieldRepository, Indexed
from tidemill.board.custom_fields.values import Held, held, kept, ordinal, valid_value
from tidemill.board.errors import InvalidText, shown
from tidemill.board.project_access.repository import AccessRepository
from tidemill.board.project_access.whole import whole
from tidemill.board.projects.repository import Numbers
from tidemill.board.work_items.models import WorkItem
from tidemill.core.ports import Tx

Wanted = Mapping[str, Given]
"""What is said of custom fields, by their keys; None empties one."""


class CustomValues:
    """What items have in custom fields."""

    def __init__(self) -> None:
        self._fields = CustomFieldRepository()
        self._access = AccessRepository()

    def initial(self, tx: Tx, numbers: Numbers, wanted: Wanted) -> str | None:
        """Return what a new item has: what is said of it, and defaults.

        Raises what `changed` raises.
        """
        if not wanted and not numbers.has_demanding_fields:
            return None
        fields = self._fields.named(tx, numbers.project_id, wanted, demanding=True)
        _check_known(fields, wanted, numbers.project_key)
        values: dict[str, Held] = {}
        for field in fields:
            if field.key in wanted:
                value = self._checked(tx, field, wanted[field.key])
                self._check_reader(tx, field, value, (numbers.project_id, numbers.project_key))
            else:
                value = self._default(tx, field, numbers.project_id)
            if value is not None:
                values[field.id] = Held(field.key, field.field_type, value)
            elif field.is_required:
                raise CustomFieldRequired(field.key, field.name)
        return kept(values)

    def check_unsaid(self, tx: Tx, project_id: ProjectId) -> None:
        """Return when items can be made of which nobody says a value.

        Nothing is locked. Raises `CustomFieldRequired`.
        """
        for field in self._fields.named(tx, project_id, (), demanding=True, lock=False):
            if field.is_required and self._default(tx, field, project_id) is None:
                raise CustomFieldRequired(field.key, field.name)

    def changed(self, tx: Tx, item: WorkItem, wanted: Wanted | UnsetType) -> WorkItem:
        """Return `item` with other values; those that nobody names stay.

        Raises `UnknownCustomField`, `InvalidCustomValue`, `InvalidText`,
        `AssigneeWithoutAccess` and `CustomFieldRequired`.
        """
        if wanted is UNSET or not wanted:
            return item
        fields = self._fields.named(tx, item.project_id, wanted)
        _check_known(fields, wanted, item.project_key)
        values = dict(held(item.custom_values))
        for field in fields:
            held_before = values.pop(field.id, None)
            current = held_before.value if held_before is not None else None
            given = wanted[field.key]
            if current is not None and current == given:
                value: str | None = current
            else:
                value = self._checked(tx, field, given, current=current)
                self._check_reader(tx, field, value, (item.project_id, item.project_key))
            if value is not None:
                values[field.id] = Held(field.key, field.field_type, value)
            elif field.is_required and current is not None:
                raise CustomFieldRequired(field.key, field.name)
        return structs.replace(item, custom_values=kept(values))

    def in_project(
        self, tx: Tx, item: WorkItem, project_id: ProjectId
    ) -> tuple[WorkItem, tuple[str, ...]]:
        """Return `item` with what it can have in another project, and the keys of what it loses.

        A field of its own project gives way to one there of the same key and type.
        """
        values = held(item.custom_values)
        if not values:
            return item, ()
        there = self._fields.named(tx, project_id, {one.key for one in values.values()})
        by_key = {field.key: field for field in there}
        goes: dict[str, Held] = {}
        lost: list[str] = []
        for one in values.values():
            field = by_key.get(one.key)
            value = _fitting(field, one) if field is not None else None
            if value is not None and field is not None and field.field_type is FieldType.USER:
                value = value if self._reads(tx, project_id, value) else None
            if field is None or value is None:
                lost.append(one.key)
            else:
                goes[field.id] = Held(one.key, one.field_type, value)
        return structs.replace(item, custom_values=kept(goes)), tuple(sorted(lost))

    def save(self, tx: Tx, old: WorkItem | None, new: WorkItem) -> None:
        """Write what `new` has otherwise than `old`; a new item was written with its values."""
        before = held(old.custom_values) if old is not None else {}
        after = held(new.custom_values)
        if before == after:
            return
        if old is not None:
            self._fields.hold(tx, new.id, new.custom_values)
        if gone := before.keys() - after.keys():
            self._fields.take(tx, new.id, sorted(gone))
        self._fields.put(
            tx, [each for each in _indexed(new) if before.get(each[1]) != after[each[1]]]
        )

    def save_all(self, tx: Tx, items: Iterable[WorkItem]) -> None:
        """Write by what new items are found."""
        if values := [each for item in items if item.custom_values for each in _indexed(item)]:
            self._fields.put(tx, values)

    def _default(self, tx: Tx, field: CustomField, project_id: ProjectId) -> str | None:
        default = field.default
        if default is None or field.field_type is not FieldType.USER:
            return default
        # Whoever has left, or does not see the project, gets nothing new.
        return default if self._reads(tx, project_id, default) else None

    def _check_reader(
        self, tx: Tx, field: CustomField, value: str | None, project: tuple[ProjectId, str]
    ) -> None:
        if value is None or field.field_type is not FieldType.USER:
            return
        if not self._reads(tx, project[0], value):
            raise AssigneeWithoutAccess(value, project[1], param=value_param(field.key))

    def _reads(self, tx: Tx, project_id: ProjectId, user_id: str) -> bool:
        return bool(self._access.readers(whole(tx), project_id, [user_id]))

    def _checked(
        self, tx: Tx, field: CustomField, given: Given, *, current: str | None = None
    ) -> str | None:
        value = valid_value(field, given, current=current)
        if value is None or field.field_type is not FieldType.USER:
            return value
        if not self._fields.is_member(tx, value):
            raise InvalidCustomValue(
                field.key,
                f"{shown(value)} is the id of no active member. `tidemill members list` tells ids.",
            )
        return value


def _check_known(fields: Sequence[CustomField], wanted: Wanted, project_key: str) -> None:
    known = {field.key for field in fields}
    if unknown := next((key for key in wanted if key not in known), None):
        raise UnknownCustomField(unknown, project_key)


def _fitting(field: CustomField, one: Held) -> str | None:
    """Return a value as another field takes it, None where it does not."""
    if field.field_type != one.field_type:
        return None
    try:
        return valid_value(field, one.value)
    except (InvalidCustomValue, InvalidText):
        return None


def _indexed(item: WorkItem) -> list[Indexed]:
    return [
        (item.id, field_id, ordinal(one.field_type, one.value))
        for field_id, one in held(item.custom_values).items()
    ]
