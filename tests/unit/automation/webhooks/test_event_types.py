from __future__ import annotations

import pytest

from tidemill.automation.errors import UnknownEventType
from tidemill.automation.webhooks.event_types import (
    checked_patterns,
    event_name,
    event_types,
    fits,
)
from tidemill.board import WorkItemCreated
from tidemill.core.facts import Fact, every_fact


@pytest.mark.parametrize(
    ("fact", "name"),
    [
        ("WorkItemCreated", "work_item.created"),
        ("JobRetryScheduled", "job_retry.scheduled"),
        ("Launched", "launched"),
    ],
)
def test_event_name_is_the_thing_and_what_happened(fact: str, name: str) -> None:
    assert event_name(fact) == name


def test_event_types_are_of_facts_and_not_of_their_bases() -> None:
    found = {one.name: one for one in event_types(every_fact())}

    assert found["work_item.created"].fact == "WorkItemCreated"
    assert found["work_item.created"].meaning == "A work item was made."
    assert found["work_item.updated"].names == ("work_item.updated",)
    assert found["work_items.updated"].names == ("work_items.updated", "work_item.updated")
    assert not {"label.fact", "board.fact", "view.fact"} & set(found)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", True),
        ("work_item.*", True),
        ("work*", True),
        ("work_item.created", True),
        ("work_item", False),
        ("work_item.create", False),
        ("job*", False),
    ],
)
def test_fits_by_name_or_begin(pattern: str, expected: bool) -> None:
    assert fits(pattern, "work_item.created") is expected


def test_checked_patterns_are_there_once() -> None:
    known = event_types(_facts())

    assert checked_patterns([" Work_Item.* ", "work_item.*", "*"], known) == ("work_item.*", "*")


@pytest.mark.parametrize("pattern", ["", "a b", "*created", "work_item.creatd", "x" * 500, "job*"])
def test_checked_patterns_refuses_what_fits_nothing(pattern: str) -> None:
    with pytest.raises(UnknownEventType):
        checked_patterns([pattern], event_types(_facts()))


def test_checked_patterns_tells_what_was_meant() -> None:
    with pytest.raises(UnknownEventType, match=r"Did you mean work_item\.created\?"):
        checked_patterns(["work_item.creatd"], event_types(_facts()))


def _facts() -> list[type[Fact]]:
    return [WorkItemCreated]
