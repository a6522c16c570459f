"""The orders of a list, and the keys by which it goes on."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.contract import ProjectId
from tidemill.board.custom_fields.values import held, ordinal
from tidemill.board.filters.conditions import AllOf, Condition, OneOf, Within
from tidemill.board.filters.models import Filter
from tidemill.board.work_items.models import Priority, WorkItem, WorkItemFilter
from tidemill.core.keysets import after_number, after_number_and_text, after_text, after_texts
from tidemill.core.pages import Key, PageRequest

UTC: Final = ZoneInfo("UTC")
_URGENCIES: Final = {priority.value: place for place, priority in enumerate(Priority)}
# No two items of one project share these, or no two of the tenant.
_UNIQUE_NUMBERS: Final = frozenset({"number"})
# As the statements have it, behind all that there is.
_NO_DAY: Final = "~"
_NO_POINTS: Final = 1_000_000
_NO_NUMBER: Final = 10**18
_TEXTS: Final = frozenset({"due_order"})
_UNIQUE_TEXTS: Final = frozenset({"id", "rank"})


class Selection(Struct, frozen=True, kw_only=True):
    """What a list holds: what its parameters say and what its filter says."""

    parameters: WorkItemFilter = WorkItemFilter()
    filter: Filter = Filter()
    zone: ZoneInfo = UTC


class Ordering(Struct, frozen=True):
    """By which column a list is sorted; what shares a value is sorted by id."""

    column: str
    is_descending: bool
    # Where it is sorted by custom fields: their ids, and whether they hold numbers, not days.
    field_ids: tuple[str, ...] = ()
    is_of_numbers: bool = False

    @property
    def last(self) -> int | str:
        """Return what stands behind each value of its custom fields."""
        return _NO_NUMBER if self.is_of_numbers else _NO_DAY

    @property
    def is_unique(self) -> bool:
        """Return whether the column alone says where a list goes on."""
        return self.column in _UNIQUE_NUMBERS | _UNIQUE_TEXTS

    def key(self, item: WorkItem) -> Key:
        """Return the key of a page that ends with `item`."""
        if self.field_ids:
            return self._custom(item), item.id
        if self.is_unique:
            return (getattr(item, self.column),)
        if self.column == "urgency":
            return _URGENCIES[item.priority], item.id
        if self.column == "due_order":
            return item.due_date or _NO_DAY, item.id
        if self.column == "points_order":
            return _NO_POINTS if item.points is None else item.points, item.id
        return getattr(item, self.column), item.id

    def after(self, page: PageRequest) -> Key | None:
        """Return the key after which `page` begins; raises `InvalidCursor`."""
        if page.after is None:
            return None
        if self.column in _UNIQUE_NUMBERS:
            return (after_number(page),)
        if self.column in _UNIQUE_TEXTS:
            return (after_text(page),)
        if self.column in _TEXTS or (self.field_ids and not self.is_of_numbers):
            return after_texts(page)
        return after_number_and_text(page)

    def _custom(self, item: WorkItem) -> int | str:
        values = held(item.custom_values)
        found = (values[id_] for id_ in self.field_ids if id_ in values)
        return next((ordinal(one.field_type, one.value) for one in found), self.last)


NEWEST_FIRST: Final = Ordering("id", is_descending=True)
HIGHEST_NUMBER_FIRST: Final = Ordering("number", is_descending=True)


def conditions_of(parameters: WorkItemFilter) -> tuple[Condition, ...]:
    """Return what the parameters of a list ask of an item."""
    columns = ("project_id", "status", "item_type", "parent_id", "assignee_id", "sprint_id")
    values = ((column, getattr(parameters, column)) for column in columns)
    since, blocked = parameters.updated_since, parameters.blocked
    return (
        *(OneOf(column, (value,)) for column, value in values if value is not None),
        *(() if since is None else (Within("updated_at", since, None),)),
        *(() if blocked is None else (OneOf("blocked", ("yes" if blocked else "no",)),)),
    )


def is_of_one_project(condition: Condition) -> bool:
    """Return whether whatever fulfils `condition` belongs to one project."""
    return project_of(condition) is not None


def project_of(condition: Condition) -> ProjectId | None:
    """Return the project to which whatever fulfils `condition` belongs, None where it is not one.

    Of several that exclude each other it is one of them.
    """
    match condition:
        case OneOf():
            is_one = condition.column == "project_id" and len(condition.values) == 1
            return ProjectId(str(condition.values[0])) if is_one else None
        case AllOf():
            found = (project_of(one) for one in condition.conditions)
            return next((one for one in found if one is not None), None)
        case _:
            return None
