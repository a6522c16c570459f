"""Quick add over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fixtures.board import BoardWorld

pytestmark = pytest.mark.anyio


async def _made(client: httpx.AsyncClient, path: str, **body: object) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _refused(client: httpx.AsyncClient, text: str, **body: object) -> tuple[Any, ...]:
    answer = await client.post("/work-items/quick", json={"text": text, **body})
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"], error["message"]


async def test_quick_add_makes_what_its_preview_says(
    client: httpx.AsyncClient, world: BoardWorld
) -> None:
    ada = await world.a_person("Ada Lovelace")
    label = await _made(client, "/labels", name="Harbour")
    epic = await _made(
        client, "/work-items", project_id="TM", item_type="epic", title="The northern gate"
    )
    sprint = await world.a_sprint("Spring tide")
    line = f"Fix the sluice #bug #harbour @ada !high ^2026-03-31 ~3 >{epic['key']} sprint:next"
    body = {"text": line, "project_id": "TM", "time_zone": "Europe/Berlin"}

    previewed = await client.post("/work-items/quick/previews", json=body)
    made = await client.post("/work-items/quick", json=body)

    said = previewed.json()
    assert previewed.status_code == 200, previewed.text
    assert said["title"] == "Fix the sluice"
    assert (said["item_type"], said["status"], said["priority"]) == ("bug", "backlog", "high")
    assert (said["points"], said["due_date"]) == (3, "2026-03-31")
    assert said["assignee"]["id"] == ada
    assert said["parent"]["key"] == epic["key"]
    assert said["sprint"] == {"id": sprint.id, "name": "Spring tide"}
    assert said["labels"][0]["name"] == "Harbour"
    assert said["marks"][0] == {"mark": "hash", "text": "bug", "column": 17}
    item = made.json()
    assert made.status_code == 201, made.text
    assert made.headers["ETag"].startswith('"v1')
    same = set(said) - {"project", "parent", "marks"}
    assert {name: item[name] for name in same} == {name: said[name] for name in same}
    assert item["parent_id"] == epic["id"]
    assert [one["id"] for one in item["labels"]] == [label["id"]]
    listed = await client.get("/work-items", params={"project_id": "TM"})
    assert len(listed.json()["items"]) == 2


async def test_quick_add_takes_days_of_the_zone_that_is_named(
    client: httpx.AsyncClient,
) -> None:
    async def due(zone: str) -> str:
        body = {"text": "x ^today", "project_id": "TM", "time_zone": zone}
        answer = await client.post("/work-items/quick/previews", json=body)
        return str(answer.json()["due_date"])

    # These two never have the same date.
    assert await due("Pacific/Kiritimati") > await due("Pacific/Niue")


async def test_quick_add_below_an_epic_is_a_story(client: httpx.AsyncClient) -> None:
    await _made(client, "/work-items", project_id="TM", item_type="epic", title="Gate")

    story = await _made(client, "/work-items/quick", text="Paint it >TM-1")
    task = await _made(client, "/work-items/quick", text=f"Buy paint >{story['key']}")
    quoted = await _made(client, "/work-items/quick", text=r'Say "type:bug" and \#1 project:TM')

    assert (story["item_type"], task["item_type"]) == ("story", "task")
    assert (quoted["item_type"], quoted["title"]) == ("task", "Say type:bug and #1")


async def test_quick_add_names_candidates_and_makes_nothing(
    client: httpx.AsyncClient, world: BoardWorld
) -> None:
    await world.a_person("Ada Lovelace")
    await world.a_person("Ada Byron")
    await _made(client, "/labels", name="harbour")
    invalid = (400, "INVALID_QUICK_TEXT", "text")

    async def told(text: str) -> str:
        *answer, message = await _refused(client, text, project_id="TM")
        assert tuple(answer) == invalid, message
        return str(message)

    assert await told("x #harbor") == ("Column 4: There is no label harbor. Did you mean harbour?")
    assert "Did you mean Ada Lovelace" in await told("x @adalovlace")
    assert "could be one of several members: Ada Lovelace, Ada Byron" in await told("x @ada")
    assert "Did you mean high" in await told("x !hihg")
    assert "There is no open sprint current" in await told("x sprint:current")
    assert "There is no work item TM-99" in await told("x >TM-99")
    assert "no whole number" in await told("x ~many")
    assert "no day" in await told("x ^someday")
    assert "says the type already" in await told("x #bug #task")
    assert "has no title" in await told("#bug")
    assert "There is no type gadget" in await told("x type:gadget")
    assert "Did you mean in_progress" in await told("x status:in_progres")
    listed = await client.get("/work-items", params={"project_id": "TM"})
    assert listed.json()["items"] == []


async def test_quick_add_needs_a_project(client: httpx.AsyncClient) -> None:
    assert (await _refused(client, "x"))[:2] == (400, "PROJECT_MISSING")
    assert (await _refused(client, "x", project_id="XX"))[:2] == (404, "PROJECT_NOT_FOUND")
    assert (await _refused(client, "x project:XX"))[:2] == (400, "INVALID_QUICK_TEXT")
    zone = await _refused(client, "x", project_id="TM", time_zone="Mars/Olympus")
    assert zone[:2] == (400, "UNKNOWN_TIME_ZONE")


async def test_quick_add_sent_twice_happens_once(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"text": "Read the tables", "project_id": "TM"}

    first = await client.post("/work-items/quick", json=body, headers=headers)
    second = await client.post("/work-items/quick", json=body, headers=headers)

    assert first.json()["id"] == second.json()["id"]


async def test_repeated_quick_add_is_answered_as_the_first(client: httpx.AsyncClient) -> None:
    label = await _made(client, "/labels", name="Harbour")
    body = {"text": "Read #harbour", "project_id": "TM"}
    headers = {"Idempotency-Key": "once"}

    first = await client.post("/work-items/quick", json=body, headers=headers)
    await client.delete(f"/labels/{label['id']}")
    again = await client.post("/work-items/quick", json=body, headers=headers)

    assert first.status_code == 201, first.text
    assert (again.status_code, again.json()) == (201, first.json())
