"""Templates of work items over HTTP."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

pytestmark = pytest.mark.anyio

_ITEM: Final[dict[str, Any]] = {
    "item_type": "story",
    "title": "Ship {version}",
    "description": "See **notes**",
    "children": [{"item_type": "task", "title": "Tag {version}", "points": 1}],
}


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"]


async def test_item_templates_are_made_used_changed_and_deleted(client: httpx.AsyncClient) -> None:
    body = {"name": "Release", "item": _ITEM}
    made = await client.post("/item-templates", json=body)
    assert made.status_code == 201, made.text
    template = made.json()
    path = f"/item-templates/{template['id']}"

    assert template["item"]["children"][0]["title"] == "Tag {version}"
    taken = await client.post("/item-templates", json=body)
    assert _code(taken) == (409, "ITEM_TEMPLATE_NAME_TAKEN", "name")
    wanted = {"project_id": "TM", "values": {"version": "3"}}
    headers = {"Idempotency-Key": "once"}
    used = await client.post(f"{path}/uses", json=wanted, headers=headers)
    same = await client.post(f"{path}/uses", json=wanted, headers=headers)
    assert used.status_code == 201, used.text
    assert [item["title"] for item in used.json()["items"]] == ["Ship 3", "Tag 3"]
    assert same.json() == used.json()
    missing = await client.post(f"{path}/uses", json={"project_id": "TM"})
    assert _code(missing) == (400, "TEMPLATE_VALUES_MISSING", "values")
    changed = await client.patch(path, json={"name": "Ship"}, headers={"If-Match": '"v1"'})
    late = await client.patch(path, json={"name": "Late"}, headers={"If-Match": '"v1"'})
    assert (changed.json()["name"], _code(late)[0]) == ("Ship", 412)
    listed = (await client.get("/item-templates", params={"project_id": "TM"})).json()
    assert [one["name"] for one in listed["items"]] == ["Ship"]
    assert (await client.delete(path)).status_code == 204
    assert _code(await client.get(path)) == (404, "ITEM_TEMPLATE_NOT_FOUND", None)


async def test_items_are_like_a_template_but_for_what_the_request_says(
    client: httpx.AsyncClient,
) -> None:
    made = await client.post("/item-templates", json={"name": "Release", "item": _ITEM})
    wanted = {"template_id": made.json()["id"], "project_id": "TM"}

    like = await client.post("/work-items", json={**wanted, "template_values": {"version": "4"}})
    own = await client.post("/work-items", json={**wanted, "title": "Own", "item_type": "bug"})
    unfilled = await client.post("/work-items", json=wanted)
    unknown = await client.post("/work-items", json={**wanted, "template_id": "x"})
    bare = await client.post("/work-items", json={"project_id": "TM", "item_type": "task"})

    assert (like.json()["title"], like.json()["item_type"]) == ("Ship 4", "story")
    assert (own.json()["title"], own.json()["item_type"]) == ("Own", "bug")
    assert own.json()["description"] == "See **notes**"
    assert _code(unfilled) == (400, "TEMPLATE_VALUES_MISSING", "template_values")
    assert _code(unknown) == (404, "ITEM_TEMPLATE_NOT_FOUND", "template_id")
    assert _code(bare) == (400, "VALIDATION_FAILED", "title")
    listed = (await client.get("/work-items", params={"project_id": "TM"})).json()["items"]
    assert len(listed) == 2
