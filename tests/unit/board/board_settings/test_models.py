from __future__ import annotations

import pytest

from tidemill.board.board_errors import InvalidBoardSettings
from tidemill.board.board_settings.models import (
    BoardColumn,
    LaneField,
    Limit,
    Rules,
    columns_max,
    columns_of,
    items_max_max,
    valid_rules,
)
from tidemill.board.errors import InvalidText
from tidemill.board.workflows.models import DEFAULT_WORKFLOW

WAITING = BoardColumn(statuses=("todo",))


@pytest.mark.parametrize(
    ("rules", "param"),
    [
        (Rules(columns=(WAITING,) * (columns_max + 1)), "columns"),
        (Rules(columns=(BoardColumn(statuses=()),)), "columns[0].statuses"),
        (Rules(columns=(BoardColumn(statuses=("todo", "nowhere")),)), "columns[0].statuses"),
        (Rules(columns=(WAITING, WAITING)), "columns[1].statuses"),
        (Rules(columns=(BoardColumn(statuses=("done", "done")),)), "columns[0].statuses"),
        (
            Rules(columns=(BoardColumn(statuses=("todo",), limit=Limit(items_max=0)),)),
            "columns[0].limit",
        ),
        (Rules(person_limit=Limit(items_max=items_max_max + 1)), "person_limit"),
        (Rules(lane_limit=Limit(items_max=1)), "lane_limit"),
    ],
)
def test_valid_rules_names_what_is_wrong(rules: Rules, param: str) -> None:
    with pytest.raises(InvalidBoardSettings) as refused:
        valid_rules(rules, DEFAULT_WORKFLOW)

    assert refused.value.param == param


def test_valid_rules_tidies_names_and_refuses_empty_ones() -> None:
    named = BoardColumn(statuses=("todo",), name="  Next   up ")
    rules = Rules(columns=(named,), lane_field=LaneField.EPIC, lane_limit=Limit(items_max=1))

    assert valid_rules(rules, DEFAULT_WORKFLOW).columns[0].name == "Next up"
    with pytest.raises(InvalidText):
        valid_rules(Rules(columns=(BoardColumn(statuses=("todo",), name=" "),)), DEFAULT_WORKFLOW)


def test_columns_of_leaves_out_what_the_workflow_lost() -> None:
    rules = Rules(
        columns=(
            BoardColumn(statuses=("gone", "done")),
            BoardColumn(statuses=("gone too",), name="Gone"),
            WAITING,
        )
    )

    assert [(one.key, one.name) for one in columns_of(rules, DEFAULT_WORKFLOW)] == [
        ("done", "Done"),
        ("todo", "Todo"),
    ]
    assert len(columns_of(Rules(), DEFAULT_WORKFLOW)) == 7
