from __future__ import annotations

from tidemill.board.contract import FieldChange, ProjectId, WorkItemId
from tidemill.board.dependencies.models import (
    FIELDS,
    Dependency,
    DependencyType,
    LinkedItem,
    changes_of,
)
from tidemill.core.clock import Instant


def _item(number: int) -> LinkedItem:
    return LinkedItem(WorkItemId(f"i{number}"), ProjectId("p"), "TM", number, "Sail", "todo")


def _dependency(type_: DependencyType, first: int, second: int) -> Dependency:
    return Dependency(
        id="d",
        dependency_type=type_,
        blocking=_item(first),
        blocked=_item(second),
        created_at=Instant(1),
        created_by="ada",
    )


def test_fields_name_every_type_from_both_sides() -> None:
    assert FIELDS.keys() == set(DependencyType)


def test_changes_of_names_the_other_items_of_each_item_once() -> None:
    blocks, relates = DependencyType.BLOCKS, DependencyType.RELATES_TO
    changes = changes_of(
        [_dependency(blocks, 1, 2), _dependency(blocks, 1, 3), _dependency(relates, 2, 1)]
    )

    told = {
        item: [(one.field_name, one.old_value, one.new_value) for one in fields]
        for item, fields in changes.items()
    }
    assert told == {
        "i1": [("blocks", None, "TM-2, TM-3"), ("relates_to", None, "TM-2")],
        "i2": [("blocked_by", None, "TM-1"), ("relates_to", None, "TM-1")],
        "i3": [("blocked_by", None, "TM-1")],
    }


def test_changes_of_what_was_removed_names_it_as_the_old_value() -> None:
    changes = changes_of([_dependency(DependencyType.DUPLICATES, 1, 2)], removed=True)

    assert changes == {
        "i1": (FieldChange(field_name="duplicates", old_value="TM-2", new_value=None),),
        "i2": (FieldChange(field_name="duplicated_by", old_value="TM-1", new_value=None),),
    }
