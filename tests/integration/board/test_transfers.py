"""Transfers over HTTP."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_transfers_routes_answer_with_all_that_went_and_stayed(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/projects", json={"key": "SEA", "name": "Sea"})
    story = {"project_id": "TM", "item_type": "story", "title": "Sail"}
    await client.post("/work-items", json=story)
    task = {"parent_id": "TM-1", "item_type": "task", "title": "Moor"}
    await client.post("/work-items", json=task)
    path = "/work-items/TM-1/transfers"
    once = {"Idempotency-Key": "one"}
    body = {"project_id": "SEA", "children": "take"}

    undecided = await client.post(path, json={"project_id": "SEA"})
    stale = await client.post(path, json=body, headers={"If-Match": '"v2"'})
    older = await client.post(path, json={**body, "expected_version": 2})
    made = await client.post(path, json=body, headers=once)
    again = await client.post(path, json=body, headers=once)

    error = undecided.json()["error"]
    assert (undecided.status_code, error["code"]) == (409, "CHILDREN_UNDECIDED")
    assert error["param"] == "children"
    assert (stale.status_code, older.status_code) == (412, 409)
    assert (made.status_code, again.json()) == (200, made.json())
    told = made.json()
    assert told["work_item"]["key"] == "SEA-1"
    assert [(one["old_key"], one["key"]) for one in told["items"]] == [
        ("TM-1", "SEA-1"),
        ("TM-2", "SEA-2"),
    ]
    assert (told["children_left"], told["parent_left"]) == ([], None)
    assert (await client.get("/work-items/TM-2")).json()["key"] == "SEA-2"
