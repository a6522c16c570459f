"""Sprints and reports over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"]


async def _a_sprint(client: httpx.AsyncClient, name: str = "Spring tide") -> dict[str, Any]:
    body = {
        "project_id": "TM",
        "name": name,
        "start_date": "2026-11-23",
        "end_date": "2026-12-04",
    }
    answer = await client.post("/sprints", json=body)
    assert answer.status_code == 201, answer.text
    sprint: dict[str, Any] = answer.json()
    return sprint


async def _an_item(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    body = {"project_id": "TM", "item_type": "story", "title": "Read the tide tables", **fields}
    answer = await client.post("/work-items", json=body)
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def test_sprint_routes_tell_a_sprint_from_plan_to_end(client: httpx.AsyncClient) -> None:
    """R030, R041: an item shows its sprint."""
    sprint, following = await _a_sprint(client), await _a_sprint(client, "Neap tide")
    path = f"/sprints/{sprint['id']}"
    item = await _an_item(client, sprint_id=sprint["id"], points=3)
    other = await _an_item(client)

    put = await client.patch(f"/work-items/{other['key']}", json={"sprint_id": sprint["id"]})
    started = await client.post(f"{path}/start", headers={"If-Match": '"v1"'})
    inside = (await client.get("/work-items", params={"sprint_id": sprint["id"]})).json()
    for status in ("in_progress", "done"):
        await client.patch(f"/work-items/{item['key']}", json={"status": status})
    ended = await client.post(f"{path}/complete", json={"unfinished_to": following["id"]})
    course = (await client.get(f"{path}/burndown")).json()
    moved = (await client.get(f"/work-items/{other['key']}")).json()
    listed = (await client.get("/sprints", params={"project_id": "TM"})).json()

    assert item["sprint"] == put.json()["sprint"] == {"id": sprint["id"], "name": "Spring tide"}
    assert (started.status_code, started.json()["status"]) == (200, "active")
    assert started.headers["etag"] == '"v2"'
    assert {one["key"] for one in inside["items"]} == {item["key"], other["key"]}
    assert (ended.status_code, ended.json()["carried_over"]) == (200, 1)
    assert course["final"] == {
        "scope_count": 2,
        "scope_points": 3,
        "done_count": 1,
        "done_points": 3,
    }
    assert moved["sprint"]["name"] == "Neap tide"
    assert [one["status"] for one in listed["items"]] == ["planned", "completed"]


async def test_sprint_routes_refuse_what_cannot_be(client: httpx.AsyncClient) -> None:
    sprint = await _a_sprint(client)
    path = f"/sprints/{sprint['id']}"
    epic = await _an_item(client, item_type="epic")

    backwards = await client.patch(path, json={"end_date": "2026-11-01"})
    no_day = await client.patch(path, json={"end_date": "Friday"})
    long = await client.patch(path, json={"end_date": "2028-11-01"})
    too_large = await client.patch(f"/work-items/{epic['id']}", json={"sprint_id": sprint["id"]})
    unknown = await client.patch(f"/work-items/{epic['id']}", json={"sprint_id": epic["id"]})
    not_begun = await client.post(f"{path}/complete", json={})
    late = await client.patch(path, json={"name": "x"}, headers={"If-Match": '"v9"'})
    nowhere = await client.get("/sprints", params={"project_id": "NO"})
    past = await client.get("/projects/TM/flow", params={"from": "2020-01-01"})
    no_count = await client.get("/projects/TM/velocity", params={"sprints": 0})

    assert _code(backwards) == (400, "SPRINT_DATES_REVERSED", "end_date")
    assert _code(no_day)[2] == "end_date"
    assert _code(long) == (400, "SPRINT_TOO_LONG", "end_date")
    assert _code(too_large) == (422, "NOT_PLANNABLE", "sprint_id")
    assert _code(unknown)[1] in {"NOT_PLANNABLE", "SPRINT_NOT_FOUND"}
    assert _code(not_begun) == (409, "SPRINT_STEP", None)
    assert _code(late) == (412, "VERSION_CHANGED", None)
    assert _code(nowhere) == (404, "PROJECT_NOT_FOUND", "project_id")
    assert _code(past) == (400, "INVALID_REPORT_PERIOD", "from")
    assert _code(no_count)[2] == "sprints"
    assert (await client.delete(path)).status_code == 204
    assert _code(await client.get(path)) == (404, "SPRINT_NOT_FOUND", None)


async def test_project_reports_answer_for_a_project_without_a_past(
    client: httpx.AsyncClient,
) -> None:
    await client.patch("/projects/TM", json={"time_zone": "Europe/Berlin"})
    await _an_item(client)

    velocity = (await client.get("/projects/TM/velocity")).json()
    days = (await client.get("/projects/TM/cumulative-flow")).json()["days"]
    flow = (await client.get("/projects/TM/flow")).json()
    forecast = (await client.get("/projects/TM/forecast")).json()
    wrong = await client.patch("/projects/TM", json={"time_zone": "Europe/Atlantis"})

    assert velocity == {"sprints": [], "items": None, "points": None}
    assert (len(days), days[-1]["backlog"], days[0]["backlog"]) == (30, 1, 0)
    assert flow["lead_time"] == {"count": 0, "percentiles": {}}
    assert (forecast["items"], forecast["dates"]) == (1, {})
    assert _code(wrong) == (400, "UNKNOWN_TIME_ZONE", "time_zone")
