"""Labels, measures and watchers over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fixtures.board import BoardWorld

pytestmark = pytest.mark.anyio


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"]


async def _an_item(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    body = {"project_id": "TM", "item_type": "story", "title": "Read the tide tables", **fields}
    answer = await client.post("/work-items", json=body)
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def test_labels_are_made_borne_found_and_deleted(client: httpx.AsyncClient) -> None:
    made = await client.post("/labels", json={"name": "tides", "color": "#0aa2c0"})
    label = made.json()
    path = f"/labels/{label['id']}"
    item = await _an_item(
        client, labels=["tides"], points=5, start_date="2026-03-01", due_date="2026-03-31"
    )
    await _an_item(client)

    assert (made.status_code, made.headers["etag"]) == (201, '"v1"')
    assert item["labels"] == [{"id": label["id"], "name": "tides", "color": "#0aa2c0"}]
    assert (item["points"], item["start_date"], item["due_date"]) == (5, "2026-03-01", "2026-03-31")
    found = await client.get("/work-items", params={"label": "tides"})
    assert [one["labels"] for one in found.json()["items"]] == [item["labels"]]
    both = await client.get("/work-items", params={"label": "tides", "filter": "is:open"})
    assert [one["labels"] for one in both.json()["items"]] == [item["labels"]]
    changed = await client.patch(path, json={"name": "Ebb"}, headers={"If-Match": '"v1"'})
    late = await client.patch(path, json={"name": "Flood"}, headers={"If-Match": '"v1"'})
    assert (changed.json()["name"], _code(late)) == ("Ebb", (412, "VERSION_CHANGED", None))
    listed = (await client.get("/labels", params={"project_id": "TM"})).json()["items"]
    assert [one["name"] for one in listed] == ["Ebb"]
    assert (await client.delete(path)).status_code == 204
    assert _code(await client.get(path)) == (404, "LABEL_NOT_FOUND", None)
    assert (await client.get(f"/work-items/{item['key']}")).json()["labels"] == []
    assert (await client.post(f"{path}/restorations")).json()["version"] == 4


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"labels": ["none"]}, 404, "LABEL_NOT_FOUND", "labels"),
        ({"labels": [""]}, 400, "VALIDATION_FAILED", "labels[0]"),
        ({"points": 0.5}, 400, "VALIDATION_FAILED", "points"),
        ({"points": 1001}, 400, "VALIDATION_FAILED", "points"),
        ({"due_date": "31.3.2026"}, 400, "VALIDATION_FAILED", "due_date"),
        ({"due_date": "2026-02-30"}, 400, "VALIDATION_FAILED", "due_date"),
        (
            {"start_date": "2026-03-02", "due_date": "2026-03-01"},
            422,
            "DATES_OUT_OF_ORDER",
            "due_date",
        ),
    ],
)
async def test_create_work_item_says_which_label_or_measure_is_wrong(
    client: httpx.AsyncClient, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    body = {"project_id": "TM", "item_type": "task", "title": "Sail", **fields}

    assert _code(await client.post("/work-items", json=body)) == (status, code, param)


async def test_viewers_watch_for_themselves(client: httpx.AsyncClient, world: BoardWorld) -> None:
    ada = await world.a_person("Ada")
    item = await _an_item(client)
    path = f"/work-items/{item['key']}/watchers"
    viewer = {"Authorization": "Bearer viewer"}

    watching = await client.put(f"{path}/{ada}")
    other = await client.put(f"{path}/{ada}", headers=viewer)

    assert watching.json() == {"id": ada, "name": "Ada", "avatar": None}
    assert _code(other) == (403, "WATCH_FOR_OTHERS", "user_id")
    assert (await client.get(path, headers=viewer)).json()["items"] == [watching.json()]
    assert (await client.delete(f"{path}/{ada}")).status_code == 204
    assert (await client.get(path)).json()["items"] == []
