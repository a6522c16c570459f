"""Which limited places of a board an item takes."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from tidemill.board.board_settings.models import LaneField, Limit, Rules
from tidemill.board.work_items.models import WorkItem
from tidemill.board.workflows.models import Category

_COLUMNS = {
    LaneField.ASSIGNEE: "assignee_id",
    LaneField.PRIORITY: "priority",
    LaneField.ITEM_TYPE: "item_type",
    LaneField.PARENT: "parent_id",
    LaneField.SPRINT: "sprint_id",
}
PARAMS = {
    LaneField.ASSIGNEE: "assignee_id",
    LaneField.PRIORITY: "priority",
    LaneField.ITEM_TYPE: "item_type",
    LaneField.PARENT: "parent_id",
    LaneField.EPIC: "parent_id",
    LaneField.SPRINT: "sprint_id",
    LaneField.LABEL: "labels",
}
"""Which field of a request puts an item into a lane."""


class InColumn(Struct, frozen=True):
    """An item takes a place in the column with these statuses."""

    statuses: tuple[str, ...]
    name: str
    limit: Limit


class InLane(Struct, frozen=True):
    """A started item takes a place in a lane."""

    field: LaneField
    value: str
    limit: Limit


class WithPerson(Struct, frozen=True):
    """A started item takes a place of its assignee's."""

    value: str
    limit: Limit

    @property
    def field(self) -> LaneField:
        """Return by what items are with people."""
        return LaneField.ASSIGNEE


Place = InColumn | InLane | WithPerson


def places_of(item: WorkItem | None, rules: Rules, epic_id: str | None) -> frozenset[Place]:
    """Return the places of an item whose limits are enforced; what no board shows takes none."""
    if item is None or item.deleted_at is not None or item.archived_at is not None:
        return frozenset()
    return frozenset(_places(item, rules, epic_id))


def _places(item: WorkItem, rules: Rules, epic_id: str | None) -> Iterator[Place]:
    for column in rules.columns:
        if column.limit is not None and column.limit.is_enforced and item.status in column.statuses:
            name = column.name or column.statuses[0]
            yield InColumn(column.statuses, name, column.limit)
    if item.status_category != Category.STARTED:
        return
    person, lane = rules.person_limit, rules.lane_limit
    if person is not None and person.is_enforced and item.assignee_id is not None:
        yield WithPerson(item.assignee_id, person)
    if lane is not None and lane.is_enforced and rules.lane_field is not None:
        for value in _lanes(item, rules.lane_field, epic_id):
            yield InLane(rules.lane_field, value, lane)


def _lanes(item: WorkItem, field: LaneField, epic_id: str | None) -> tuple[str, ...]:
    if field is LaneField.LABEL:
        return tuple(label.id for label in item.labels)
    value = epic_id if field is LaneField.EPIC else getattr(item, _COLUMNS[field])
    return () if value is None else (value,)
