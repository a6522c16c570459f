"""Boards over HTTP."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_board_routes_answer_a_whole_board_and_go_on_from_it(
    client: httpx.AsyncClient,
) -> None:
    settings = "/projects/TM/board-settings"
    for title in ("a", "b", "c"):
        new = {"project_id": "TM", "item_type": "task", "title": title, "description": "Long"}
        made = await client.post("/work-items", json={**new, "status": "todo"})
        assert made.status_code == 201, made.text
    columns = [
        {"statuses": ["todo"]},
        {"statuses": ["review"], "limit": {"items_max": 1, "mode": "enforce"}},
    ]
    put = await client.put(settings, json={"columns": columns, "lane_field": "assignee"})
    stale = await client.put(settings, json={}, headers={"If-Match": '"v0"'})
    wrong = await client.put(settings, json={"columns": [*columns, {"statuses": ["todo"]}]})

    board = (await client.get("/projects/TM/board", params={"limit": 2, "lane": "none"})).json()
    todo, review = board["columns"]
    path, place = "/projects/TM/board/columns/todo", {"cursor": todo["next_cursor"]}
    rest = (await client.get(path, params=place)).json()
    lanes = (await client.get("/projects/TM/board", params={"filter": "key:TM-2"})).json()
    unclear = await client.get(path, params={"lane": "assignee"})
    nobody = await client.get(path, params={"lane": "assignee", "lane_value": "none"})
    moved = [
        await client.patch(f"/work-items/{key}", json={"status": "in_progress"})
        for key in ("TM-1", "TM-2")
    ] + [
        await client.patch(f"/work-items/{key}", json={"status": "review"})
        for key in ("TM-1", "TM-2")
    ]

    assert (put.status_code, put.json()["version"], put.headers["etag"]) == (200, 1, '"v1"')
    assert stale.status_code == 412
    error = wrong.json()["error"]
    assert (wrong.status_code, error["code"], error["param"]) == (
        400,
        "INVALID_BOARD_SETTINGS",
        "columns[2].statuses",
    )
    assert [card["key"] for card in todo["cards"]] == ["TM-1", "TM-2"]
    assert (todo["count"], todo["limit"], review["count"]) == (3, None, 0)
    assert review["limit"] == {"items_max": 1, "mode": "enforce", "count": 0, "is_over": False}
    assert "description" not in todo["cards"][0]
    assert [card["key"] for card in rest["items"]] == ["TM-3"]
    [lane] = lanes["lanes"]
    assert (lane["value"], lane["cells"][0]["cards"][0]["key"]) == (None, "TM-2")
    assert unclear.json()["error"]["code"] == "LANE_UNCLEAR"
    assert [card["key"] for card in nobody.json()["items"]] == ["TM-1", "TM-2", "TM-3"]
    assert [answer.status_code for answer in moved] == [200, 200, 200, 409]
    assert moved[3].json()["error"]["code"] == "WIP_LIMIT_REACHED"
