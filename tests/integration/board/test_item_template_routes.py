"""Templates of work items over HTTP."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from tests.fixtures.board import BoardWorld

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


async def test_what_the_request_says_wins_over_a_template_also_where_it_is_empty(
    client: httpx.AsyncClient, world: BoardWorld
) -> None:
    ada = await world.a_person("Ada")
    await client.post("/labels", json={"name": "tides"})
    item = {"item_type": "task", "title": "Oil", "assignee_id": ada, "labels": ["tides"]}
    made = await client.post(
        "/item-templates", json={"name": "Oil", "item": {**item, "points": 3, "description": "x"}}
    )
    wanted = {"template_id": made.json()["id"], "project_id": "TM"}
    nothing: dict[str, Any] = {
        "assignee_id": None,
        "labels": [],
        "points": None,
        "description": None,
    }

    like = (await client.post("/work-items", json=wanted)).json()
    bare = (await client.post("/work-items", json={**wanted, **nothing})).json()

    assert (like["assignee"]["id"], len(like["labels"]), like["points"]) == (ada, 1, 3)
    assert {name: bare[name] for name in ("assignee", "labels", "points", "description")} == {
        "assignee": None,
        "labels": [],
        "points": None,
        "description": None,
    }


async def test_item_template_of_somebody_who_has_left_can_be_used_and_changed(
    client: httpx.AsyncClient, world: BoardWorld
) -> None:
    ada = await world.a_person("Ada")
    item = {"item_type": "task", "title": "Oil", "assignee_id": ada}
    made = await client.post("/item-templates", json={"name": "Oil", "item": item})
    path = f"/item-templates/{made.json()['id']}"
    await world.one_leaves(ada)

    used = await client.post(f"{path}/uses", json={"project_id": "TM"})
    one = await client.post(
        "/work-items", json={"project_id": "TM", "template_id": made.json()["id"]}
    )
    named = await client.post("/work-items", json={**item, "project_id": "TM"})
    changed = await client.patch(path, json={"item": {**item, "title": "Grease"}})
    another = await client.post("/item-templates", json={"name": "B", "item": item})
    unknown = await client.post(
        "/item-templates", json={"name": "C", "item": {**_ITEM, "labels": ["gone"]}}
    )

    assert used.status_code == 201, used.text
    assert [each["assignee"] for each in used.json()["items"]] == [None]
    assert one.json()["assignee"] is None
    assert _code(named) == (422, "ASSIGNEE_NOT_MEMBER", "assignee_id")
    assert changed.status_code == 200, changed.text
    assert _code(another) == (422, "ASSIGNEE_NOT_MEMBER", "assignee_id")
    assert _code(unknown)[1:] == ("LABEL_NOT_FOUND", "labels")


async def test_item_templates_say_values_of_custom_fields(
    client: httpx.AsyncClient, world: BoardWorld
) -> None:
    await world.a_field("severity", is_required=True)
    await world.a_field("pier")
    item = {**_ITEM, "custom_fields": {"severity": "low", "pier": "north"}}
    made = await client.post("/item-templates", json={"name": "Release", "item": item})
    path = f"/item-templates/{made.json()['id']}"
    wanted = {"project_id": "TM", "values": {"version": "1"}}

    missing = await client.post(f"{path}/uses", json=wanted)
    used = await client.post(f"{path}/uses", json={**wanted, "custom_fields": {"severity": "high"}})
    one = await client.post(
        "/work-items",
        json={
            "project_id": "TM",
            "template_id": made.json()["id"],
            "title": "x",
            "custom_fields": {"pier": None},
        },
    )
    preview = await client.post(
        "/work-items/quick/previews", json={"text": "Oil it", "project_id": "TM"}
    )

    assert made.json()["item"]["custom_fields"] == item["custom_fields"]
    # The child has none of its own.
    assert _code(missing) == (422, "CUSTOM_FIELD_REQUIRED", "custom_fields.severity")
    assert [each["custom_fields"] for each in used.json()["items"]] == [
        {"severity": "high", "pier": "north"},
        {"severity": "high"},
    ]
    assert one.json()["custom_fields"] == {"severity": "low"}
    assert _code(preview) == (422, "CUSTOM_FIELD_REQUIRED", "custom_fields.severity")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"item_type": "task", "template_values": {"a": "b"}}, "VALIDATION_FAILED"),
        ({"item_type": "project", "priority": "high"}, "NOT_OF_PROJECTS"),
        ({"item_type": "project", "template_id": "x"}, "NOT_OF_PROJECTS"),
        ({"item_type": "project", "template_values": {"a": "b"}}, "NOT_OF_PROJECTS"),
    ],
)
async def test_new_item_refuses_what_would_be_ignored(
    client: httpx.AsyncClient, said: dict[str, Any], code: str
) -> None:
    of_items = {} if said["item_type"] == "project" else {"project_id": "TM"}

    answer = await client.post("/work-items", json={"title": "Oil", **of_items, **said})

    assert _code(answer) == (400, code, list(said)[-1])
