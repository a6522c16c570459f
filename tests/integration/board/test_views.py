"""Views over HTTP."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_views_list_their_items_in_their_order(client: httpx.AsyncClient) -> None:
    for title, kind in (("First", "bug"), ("Second", "bug"), ("Third", "task")):
        body = {"project_id": "TM", "item_type": kind, "title": title}
        assert (await client.post("/work-items", json=body)).status_code == 201
    body = {"name": "Bugs", "filter": "type:bug sort:number", "project_id": "TM"}

    made = await client.post("/views", json=body, headers={"Idempotency-Key": "once"})
    again = await client.post("/views", json=body, headers={"Idempotency-Key": "once"})
    path = f"/views/{made.json()['id']}"
    first = (await client.get(f"{path}/work-items", params={"limit": 1})).json()
    cursor = {"cursor": first["next_cursor"]}
    rest = (await client.get(f"{path}/work-items", params=cursor)).json()

    assert (made.status_code, again.json()) == (201, made.json())
    assert [item["key"] for item in first["items"] + rest["items"]] == ["TM-1", "TM-2"]
    listed = (await client.get("/views", params={"project_id": "TM"})).json()
    assert listed["items"] == [made.json()]

    changed = await client.patch(
        path, json={"filter": "type:task"}, headers={"If-Match": made.headers["etag"]}
    )
    stale = await client.get(f"{path}/work-items", params=cursor)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert stale.json()["error"]["code"] == "INVALID_CURSOR"
    lost = await client.delete(path, headers={"If-Match": made.headers["etag"]})
    gone = await client.delete(path, headers={"If-Match": changed.headers["etag"]})
    assert (lost.status_code, gone.status_code) == (412, 204)
    assert (await client.get(path)).json()["error"]["code"] == "VIEW_NOT_FOUND"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"name": "x", "filter": "statsu:x"}, 400, "filter"),
        ({"name": " ", "filter": ""}, 400, "name"),
        ({"name": "x" * 101, "filter": ""}, 400, "name"),
        ({"name": "x", "filter": "", "project_id": "NO"}, 404, "project_id"),
        ({"name": "x"}, 400, "filter"),
    ],
)
async def test_create_view_refuses_what_says_nothing(
    client: httpx.AsyncClient, body: dict[str, str], status: int, param: str
) -> None:
    answer = await client.post("/views", json=body)

    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
