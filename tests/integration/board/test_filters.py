"""Filters over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def _an_item(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    body = {"project_id": "TM", "item_type": "story", "title": "Read the tide tables", **fields}
    answer = await client.post("/work-items", json=body)
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"]


async def test_list_work_items_by_a_filter(client: httpx.AsyncClient) -> None:
    bug = await _an_item(client, item_type="bug", title="Sluice leaks")
    await _an_item(client, title="Read the tables")
    third = await _an_item(client, item_type="bug", title="Gate squeaks", status="todo")

    async def keys(query: dict[str, str]) -> list[str]:
        answer = await client.get("/work-items", params=query)
        assert answer.status_code == 200, answer.text
        return [item["key"] for item in answer.json()["items"]]

    assert await keys({"filter": "type:bug"}) == [third["key"], bug["key"]]
    assert await keys({"filter": "slui OR status:todo sort:created"}) == [bug["key"], third["key"]]
    assert await keys({"filter": "type:bug", "status": "todo"}) == [third["key"]]
    assert await keys({"filter": "created:today", "time_zone": "Pacific/Kiritimati"})
    assert len(await keys({"filter": ""})) == 3

    first = await client.get("/work-items", params={"filter": "type:bug", "limit": 1})
    cursor = first.json()["next_cursor"]
    other = await client.get("/work-items", params={"filter": "type:task", "cursor": cursor})
    assert await keys({"filter": "type:bug", "cursor": cursor}) == [bug["key"]]
    assert _code(other) == (400, "INVALID_CURSOR", "cursor")


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ({"filter": "statsu:todo"}, "INVALID_FILTER", "filter"),
        ({"filter": "key:TM-99"}, "INVALID_FILTER", "filter"),
        ({"filter": "x" * 1_001}, "INVALID_FILTER", "filter"),
        ({"filter": "a\0b"}, "VALIDATION_FAILED", "filter"),
        ({"filter": 'title:\'\u202e%%% "*" NEAR('}, "INVALID_FILTER", "filter"),
        ({"filter": "", "time_zone": "Mars/Olympus"}, "UNKNOWN_TIME_ZONE", "time_zone"),
        ({"filter": "", "time_zone": "../../etc/passwd"}, "UNKNOWN_TIME_ZONE", "time_zone"),
        ({"filter": "", "time_zone": "a\0b"}, "VALIDATION_FAILED", "time_zone"),
        ({"filter": "", "time_zone": "A" * 400}, "UNKNOWN_TIME_ZONE", "time_zone"),
    ],
)
async def test_list_work_items_refuses_a_bad_filter(
    client: httpx.AsyncClient, query: dict[str, str], code: str, param: str
) -> None:
    answer = await client.get("/work-items", params=query)

    assert _code(answer) == (400, code, param)
