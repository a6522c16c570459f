from __future__ import annotations

import pytest
from msgspec import structs

from tidemill.board.activities.masking import (
    UNSEEN_ITEM,
    masked,
    names_in,
    within_project,
    without_job,
)
from tidemill.board.activities.models import Action, Activity
from tidemill.board.contract import FieldChange, WorkItemId
from tidemill.board.dependencies.models import FIELDS
from tidemill.core.actor import ActorKind
from tidemill.core.clock import Instant


def _activity(field: str, old: str | None, new: str | None) -> Activity:
    return Activity(
        WorkItemId("i"), 2, field, Action.UPDATED, old, new, Instant(1), ActorKind.USER, "u", "u"
    )


@pytest.mark.parametrize(
    ("field", "old", "new", "names"),
    [
        ("key", "HIDE-1", "TM-2", {"HIDE", "TM"}),
        ("blocks", None, "HIDE-1, TM-2", {"HIDE", "TM"}),
        ("project_id", "p", "q", {"p", "q"}),
        ("title", "HIDE-1", "HIDE-2", set()),
        ("", None, None, set()),
    ],
)
def test_names_in_are_keys_of_projects_and_ids(
    field: str, old: str | None, new: str | None, names: set[str]
) -> None:
    assert names_in(_activity(field, old, new)) == names


def test_names_in_are_found_in_whatever_tells_of_a_dependency() -> None:
    for field in {field for both in FIELDS.values() for field in both}:
        assert names_in(_activity(field, None, "HIDE-1")) == {"HIDE"}


def test_masked_names_nothing_that_is_hidden() -> None:
    moved = masked(_activity("key", "HIDE-1", "TM-2"), {"HIDE"})
    joined = masked(_activity("duplicated_by", None, "TM-2, HIDE-1"), {"HIDE"})
    gone = masked(_activity("project_id", "p", "q"), {"q"})

    assert (moved.old_value, moved.new_value) == (UNSEEN_ITEM, "TM-2")
    assert (joined.old_value, joined.new_value) == (None, f"TM-2, {UNSEEN_ITEM}")
    assert (gone.old_value, gone.new_value) == ("p", None)


def test_without_job_leaves_out_what_a_job_said() -> None:
    title = _activity("title", "a", "b")

    assert without_job(_activity("job_result", "1", "2")).new_value is None
    assert without_job(title) == title


def test_within_project_names_items_of_the_own_project_alone() -> None:
    change = FieldChange(field_name="blocked_by", old_value=None, new_value="TM-2, OPEN-1")
    title = FieldChange(field_name="title", old_value="OPEN-1", new_value="OPEN-2")

    told = within_project((change, title), "TM-7")

    assert told == (structs.replace(change, new_value=f"TM-2, {UNSEEN_ITEM}"), title)
