"""Kinds of work items, and projects as work items, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio

_ADMIN = {"Authorization": "Bearer admin"}
_FEATURE = {"key": "feature", "name": "Feature", "parents": ["epic"], "children": ["story"]}


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"]


async def _an_item(client: httpx.AsyncClient, item_type: str, **fields: Any) -> dict[str, Any]:
    body = {"project_id": "TM", "item_type": item_type, "title": "Sail", **fields}
    answer = await client.post("/work-items", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_item_kinds_are_made_used_changed_and_deleted(client: httpx.AsyncClient) -> None:
    refused = await client.post("/item-kinds", json=_FEATURE)
    made = await client.post("/item-kinds", json={**_FEATURE, "icon": "🚀"}, headers=_ADMIN)
    again = await client.post("/item-kinds", json=_FEATURE, headers=_ADMIN)
    path = "/item-kinds/feature"

    assert _code(refused)[:2] == (403, "PERMISSION_DENIED")
    assert (made.status_code, made.json()["icon"], made.json()["built_in"]) == (201, "🚀", False)
    assert _code(again) == (409, "ITEM_KIND_TAKEN", "key")
    listed = (await client.get("/item-kinds", params={"limit": 2})).json()
    rest = await client.get("/item-kinds", params={"cursor": listed["next_cursor"]})
    keys = [kind["key"] for kind in (*listed["items"], *rest.json()["items"])]
    assert keys == ["epic", "story", "task", "bug", "feature"]
    item = await _an_item(client, "feature")
    tag = (await client.get(path)).headers["etag"]
    changed = await client.patch(
        path, json={"name": "Capability"}, headers={**_ADMIN, "If-Match": tag}
    )
    late = await client.patch(path, json={"name": "Late"}, headers={**_ADMIN, "If-Match": tag})
    assert (changed.json()["name"], _code(late)[0]) == ("Capability", 412)
    held = await client.delete(path, headers=_ADMIN)
    assert _code(held) == (409, "ITEM_KIND_IN_USE", None)
    gone = await client.delete(path, params={"move_to": "task"}, headers=_ADMIN)
    assert gone.status_code == 204, gone.text
    assert _code(await client.get(path)) == (404, "ITEM_KIND_NOT_FOUND", None)
    found = (await client.get(f"/work-items/{item['key']}")).json()
    assert (found["item_type"], found["version"]) == ("task", 2)


async def test_item_kinds_name_the_known_ones_wherever_another_is_meant(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/item-kinds", json=_FEATURE, headers=_ADMIN)
    item = await _an_item(client, "feature")
    answers = [
        await client.post(
            "/work-items", json={"project_id": "TM", "item_type": "saga", "title": "x"}
        ),
        await client.patch(f"/work-items/{item['key']}", json={"item_type": "saga"}),
        await client.get("/work-items", params={"item_type": "saga"}),
        await client.get("/work-items", params={"item_type": "saga", "filter": "is:open"}),
    ]

    for answer in answers:
        assert _code(answer) == (400, "UNKNOWN_ITEM_TYPE", "item_type")
        assert "epic, story, task, bug, feature" in answer.json()["error"]["message"]
    board = (await client.get("/projects/TM/board", params={"lane": "item_type"})).json()
    assert "Feature" in str(board)
    export = (await client.get("/projects/TM/export")).text
    assert "feature" in export


async def test_projects_are_made_and_read_as_work_items(client: httpx.AsyncClient) -> None:
    """R011."""
    body = {"item_type": "project", "title": "Harbour wall", "description": "Stone"}
    made = await client.post("/work-items", json=body, headers={"Idempotency-Key": "once"})
    same = await client.post("/work-items", json=body, headers={"Idempotency-Key": "once"})
    other = await client.post("/work-items", json=body)
    named = await client.post("/work-items", json={**body, "project_key": "QUAY"})
    taken = await client.post("/work-items", json={**body, "project_key": "QUAY"})
    project = made.json()

    assert (made.status_code, project["item_type"], project["key"]) == (201, "project", "HW")
    assert same.json()["id"] == project["id"]
    assert (other.json()["key"], named.json()["key"]) == ("HW2", "QUAY")
    assert _code(taken) == (409, "PROJECT_KEY_TAKEN", "key")
    for reference in (project["id"], "HW"):
        read = await client.get(f"/work-items/{reference}")
        assert read.json()["title"] == "Harbour wall"
    assert (await client.get("/projects/HW")).json()["name"] == "Harbour wall"
    task = await client.post(
        "/work-items", json={"project_id": "HW", "item_type": "task", "title": "Carry"}
    )
    assert task.json()["key"] == "HW-1"
    first = (await client.get("/work-items", params={"item_type": "project", "limit": 2})).json()
    rest = await client.get(
        "/work-items", params={"item_type": "project", "cursor": first["next_cursor"]}
    )
    keys = [one["key"] for one in (*first["items"], *rest.json()["items"])]
    assert keys == ["HW", "HW2", "QUAY", "TM"]
    active = await client.get("/work-items", params={"item_type": "project", "status": "archived"})
    assert active.json()["items"] == []


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ({"status": "todo"}, "UNKNOWN_STATUS", "status"),
        ({"label": "x"}, "NOT_OF_PROJECTS", "label"),
        ({"filter": "is:open"}, "NOT_OF_PROJECTS", "filter"),
    ],
)
async def test_projects_as_work_items_refuse_what_projects_do_not_have(
    client: httpx.AsyncClient, query: dict[str, str], code: str, param: str
) -> None:
    answer = await client.get("/work-items", params={"item_type": "project", **query})

    assert _code(answer) == (400, code, param)


async def test_item_kinds_are_known_to_lines_bulk_changes_and_transfers(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/item-kinds", json=_FEATURE, headers=_ADMIN)
    await client.post("/projects", json={"key": "XX", "name": "Other"})
    line = {"text": "Tide clock #feature", "project_id": "TM"}
    feature = (await client.post("/work-items/quick", json=line)).json()
    await client.patch("/item-kinds/story", json={"top_level": False}, headers=_ADMIN)
    await _an_item(client, "story", parent_id=feature["key"])
    bug = await _an_item(client, "bug")

    bulk = {"ids": [bug["key"]], "changes": {"item_type": "feature"}}
    changed = await client.post("/work-items/batch", json=bulk)
    left = await client.post(
        f"/work-items/{feature['key']}/transfers", json={"project_id": "XX", "children": "leave"}
    )

    assert feature["item_type"] == "feature"
    assert changed.status_code == 200, changed.text
    assert (await client.get(f"/work-items/{bug['key']}")).json()["item_type"] == "feature"
    assert _code(left) == (422, "WRONG_PARENT", "parent_id")
