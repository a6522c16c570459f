from __future__ import annotations

from typing import Any

from tidemill.cli.boards import frame


def a_card(key: str, title: str, **fields: Any) -> dict[str, Any]:
    usual = {"assignee": None, "priority": "medium", "blocked": False}
    return {"key": key, "title": title, **usual, **fields}


def a_board(**fields: Any) -> dict[str, Any]:
    cards = [a_card("TM-1", "Read the gauges", priority="high", blocked=True)]
    limit = {"items_max": 1, "mode": "warn", "count": 3, "is_over": True}
    columns = [
        {"name": "Todo", "count": 2, "limit": None, "cards": cards},
        {"name": "Doing", "count": 0, "limit": limit, "cards": []},
    ]
    return {
        "project_id": "p",
        "lane_field": None,
        "columns": columns,
        "lanes": [],
        "lanes_left_out": 0,
        "persons": [],
        "statuses_left_out": [],
        **fields,
    }


def test_frame_puts_columns_side_by_side_with_what_is_left() -> None:
    assert frame(a_board(), 40) == [
        "Todo 2               Doing 0, 3/1 OVER",
        "───────────────────  ───────────────────",
        "TM-1 ⛔ !high",
        " Read the gauges",
        "… 1 more",
    ]


def test_frame_puts_below_what_does_not_fit_beside() -> None:
    lines = frame(a_board(), 20)

    assert [line for line in lines if "Todo" in line or "Doing" in line] == [
        "Todo 2",
        "Doing 0, 3/1 OVER",
    ]
    assert max(map(len, lines)) <= 20


def test_frame_shows_lanes_and_what_is_over() -> None:
    ada = {"id": "a", "name": "Ada\x1b[31m"}
    cell = {"count": 1, "cards": [a_card("TM-2", "Dredge\nit", assignee=ada)]}
    empty = {"count": 0, "cards": []}
    lane = {"value": "a", "name": "Ada", "item_key": None, "count": 1, "limit": None}
    over = {"items_max": 1, "mode": "enforce", "count": 2, "is_over": True}
    board = a_board(
        lane_field="assignee",
        lanes=[
            {**lane, "cells": [empty, cell]},
            {**lane, "value": None, "cells": [cell, empty]},
            {**lane, "value": "b", "cells": [empty, empty]},
        ],
        lanes_left_out=4,
        persons=[{"id": "a", "name": "Ada", "limit": over}],
        statuses_left_out=[{"status": "review", "count": 3}],
    )

    lines = frame(board, 60)

    assert [line for line in lines if line.startswith("▸")] == ["▸ Ada 1", "▸ no assignee 1"]
    assert "\x1b" not in "".join(lines)
    assert any(line.endswith(" Dredge it") for line in lines)
    assert lines[-3:] == [
        "Ada has begun 2 items of 1.",
        "4 more lanes; --filter brings them in.",
        "In no column: 3 review.",
    ]
