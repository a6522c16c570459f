"""A private project leaves no trace where somebody looks who is no member of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import httpx
import pytest

from tests.fixtures.private_project import (
    API,
    CANARY,
    KEY,
    PrivateProject,
    a_person,
    a_private_project,
    made,
    put_member,
)
from tests.fixtures.route_bodies import BODIES

pytestmark = pytest.mark.anyio

# What belongs to the board and takes something of a project.
_OF_BOARD: Final = re.compile(
    r"\{(project_id|item_id|sprint_id|label_id|field_id|view_id|template_id|comment_id|entry_id"
    r"|attachment_id|dependency_id)\}"
)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PrivateProject]:
    async with a_private_project(tmp_path_factory.mktemp("private")) as world:
        yield world


async def test_private_project_is_not_found_by_any_route(world: PrivateProject) -> None:
    before = await _snapshot(world)
    wrong = []
    for method, path in await _routes(world):
        if not _OF_BOARD.search(path) or ("/members/{user_id}" in path and "projects" not in path):
            continue
        for ids in (world.ids, {**world.ids, "project_id": KEY, "item_id": f"{KEY}-1"}):
            url = re.sub(r"\{(\w+)\}", lambda match, ids=ids: ids[match[1]], path)  # type: ignore[misc]
            answer = await _send(world.outsider.client, method, path, url)
            if answer.status_code != 404 or CANARY in answer.text:
                wrong.append((method, url, answer.status_code, answer.text[:150]))

    assert wrong == []
    assert await _snapshot(world) == before


async def test_private_project_leaves_no_trace_in_any_list(world: PrivateProject) -> None:
    paths = [
        path
        for method, path in await _routes(world)
        if method == "GET" and "{" not in path and path != f"{API}/events"
    ]
    answers = {path: await world.outsider.client.get(path) for path in paths}
    seen = [path for path in paths if _found(world, await world.members["viewer"].client.get(path))]

    assert {
        path: _found(world, answer) for path, answer in answers.items() if _found(world, answer)
    } == {}
    assert len(seen) >= 5, f"members find it there: {seen}"


@pytest.mark.parametrize(
    "path",
    [
        "search?q={canary}",
        "work-items?project_id={project_id}",
        "work-items?project_id={key}",
        "work-items?parent_id={item_id}",
        "work-items?sprint_id={sprint_id}",
        "work-items?label={canary}",
        "work-items?filter=project:{key}",
        "work-items?filter=key:{key}-1",
        "work-items?filter=label:{canary}",
        "work-items?filter=cf.{canary}:{canary}",
        "work-items?filter=sprint:{canary}",
        "work-items?filter={canary}",
        "sprints?project_id={project_id}",
        "labels?project_id={project_id}",
        "custom-fields?project_id={project_id}",
        "item-templates?project_id={project_id}",
        "views?project_id={project_id}",
        "time-entries?project_id={project_id}",
        "time-entries?work_item_id={item_id}",
        "time-reports?project_id={project_id}",
        "time-reports?work_item_id={item_id}&by=item",
        "dependencies?project_id={project_id}",
        "notifications?project_id={project_id}",
    ],
)
async def test_private_project_is_not_found_by_what_lists_are_asked_for(
    world: PrivateProject, path: str
) -> None:
    url = f"{API}/{path.format(canary=CANARY, key=KEY, **world.ids)}"

    found = await world.outsider.client.get(url)
    absent = url
    for name, id_ in world.ids.items():
        if name not in {"status", "emoji"}:
            absent = absent.replace(id_, "019c0000-0000-7000-8000-000000000000")
    absent = absent.replace(KEY, "NONE").replace(CANARY, "nonesuch")
    nothing = await world.outsider.client.get(absent)

    assert found.status_code == nothing.status_code, found.text
    assert _error(found) == _error(nothing), "as if it did not exist"
    if found.status_code == 200:
        assert not _found(world, found)


@pytest.mark.parametrize("asked", ["status=zz", "filter=status:zz"])
async def test_private_project_has_statuses_that_no_error_names(
    world: PrivateProject, asked: str
) -> None:
    answer = await world.outsider.client.get(f"{API}/work-items?{asked}")

    assert answer.status_code in {400, 422}
    assert not _found(world, answer)


async def test_private_project_shows_nothing_beside_an_item_that_all_may_see(
    world: PrivateProject,
) -> None:
    paths = ("", "/dependencies", "/activity", "/comments", "/watchers", "/attachments")
    client = world.outsider.client
    answers = [await client.get(f"{API}/work-items/{world.open_item}{path}") for path in paths]
    answers += [
        await client.get(f"{API}/projects/OPEN/{path}")
        for path in ("board", "activity", "activity?since=0", "critical-path", "export?format=json")
    ]
    answers.append(await client.get(f"{API}/llm/projects/OPEN"))
    answers.append(await client.get(f"{API}/work-items/{world.open_item}/activity?since=0"))
    asked = {"parameters": {"project": "OPEN"}}
    answers.append(await client.post(f"{API}/llm/queries/blocked_items", json=asked))

    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert [
        (str(answer.url), found) for answer in answers if (found := _found(world, answer))
    ] == []


async def test_private_project_is_named_in_no_history_of_what_came_from_it_or_went_there(
    world: PrivateProject,
) -> None:
    owner, outsider = world.app.owner, world.outsider.client
    task = {"item_type": "task", "title": "Rope"}
    came, went = [await made(owner, "work-items", project_id=key, **task) for key in (KEY, "OPEN")]
    for item, key in ((came, "OPEN"), (went, KEY)):
        moved = await owner.post(
            f"{API}/work-items/{item['id']}/transfers", json={"project_id": key}
        )
        assert moved.status_code == 200, moved.text
    paths = [f"projects/OPEN/activity{since}" for since in ("", "?since=0")]
    paths += [f"work-items/{came['id']}/activity{since}" for since in ("", "?since=0")]
    paths.append("llm/projects/OPEN")

    answers = [await outsider.get(f"{API}/{path}") for path in paths]
    member = await world.members["viewer"].client.get(f"{API}/work-items/{came['id']}/activity")

    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert [_found(world, answer) for answer in answers] == [[]] * len(answers)
    assert "an item of another project" in answers[0].text, "that it moved is no secret"
    assert came["key"] in member.text


async def test_private_project_is_not_named_where_it_was_open_before(
    world: PrivateProject,
) -> None:
    owner = world.app.owner
    later = await made(owner, "projects", key="LATER", name="Later")
    task = {"item_type": "task", "title": "Rope"}
    there, here = [
        await made(owner, "work-items", project_id=key, **task) for key in ("LATER", "OPEN")
    ]
    await made(owner, "dependencies", blocking_item_id=there["id"], blocked_item_id=here["id"])
    url = f"{API}/work-items/{here['id']}/activity"
    before = await world.outsider.client.get(url)
    await owner.patch(f"{API}/projects/{later['id']}", json={"visibility": "private"})

    after = await world.outsider.client.get(url)

    assert there["key"] in before.text
    assert "LATER" not in after.text
    assert "blocked_by" in after.text


async def test_private_project_is_not_told_by_the_timer_of_who_was_removed(
    world: PrivateProject,
) -> None:
    gone = await a_person(world.app, "gone")
    await put_member(world.app.owner, KEY, gone, "editor")
    await made(gone.client, "timer", work_item_id=f"{KEY}-1")
    await world.app.owner.delete(f"{API}/projects/{KEY}/members/{gone.id}")

    stopped = await gone.client.post(f"{API}/timer/stop")
    discarded = await gone.client.delete(f"{API}/timer")
    began = await gone.client.post(f"{API}/timer", json={"work_item_id": world.open_item})
    running = await gone.client.get(f"{API}/timer")

    refused = [one.json()["error"]["code"] for one in (stopped, discarded)]
    assert refused == ["NO_TIMER_RUNNING"] * 2
    assert (began.status_code, began.json()["stopped_entry"]) == (201, None), "one runs at a time"
    assert running.json()["time_entry"]["id"] == began.json()["id"]
    assert [_found(world, one) for one in (stopped, discarded, began, running)] == [[]] * 4


async def test_private_project_is_not_named_by_the_jobs_of_its_items(
    world: PrivateProject,
) -> None:
    item = world.ids["item_id"]
    code = {"language": "python", "content": "def main():\n    return 1\n"}
    job = await made(world.app.owner, "jobs", **code, work_item_id=item)
    paths = [
        "jobs",
        f"jobs/{job['id']}",
        f"jobs/{job['id']}/links",
        f"jobs/{job['id']}/tree",
        "job-export",
    ]
    outsider, member = world.outsider.client, world.members["viewer"].client

    answers = [await outsider.get(f"{API}/{path}") for path in paths]
    by_item = await outsider.get(f"{API}/jobs?work_item_id={item}")
    wanted = {"filter": {"work_item_id": item}, "dry_run": True}
    counted = await outsider.post(f"{API}/jobs/cancel", json=wanted)
    known = await member.get(f"{API}/jobs?work_item_id={item}")
    cancelled = await outsider.post(f"{API}/jobs/{job['id']}/cancel")

    again = await outsider.post(f"{API}/jobs/{job['id']}/rerun", json={})
    # The item shows a moment later how its job ended; other tests find it at rest.
    shown: dict[str, Any] = {}
    with anyio.fail_after(60):
        while shown.get("state") != "cancelled":
            await anyio.sleep(0.02)
            shown = (await world.app.owner.get(f"{API}/work-items/{item}")).json()["job"] or {}

    answers.append(cancelled)
    assert (again.status_code, again.json()["work_item_id"]) == (201, None), again.text
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert [job["id"] in answer.text for answer in answers] == [True] * len(answers)
    assert [_found(world, answer) for answer in answers] == [[]] * len(answers)
    assert by_item.json()["items"] == []
    assert counted.json()["matched"] == 0, counted.text
    assert [one["work_item_id"] for one in known.json()["items"]] == [item]


async def test_private_project_takes_nothing_from_outsiders(world: PrivateProject) -> None:
    """Nothing of one's own can be tied to it, and what was tried sounds as if it did not exist."""
    client, ids = world.outsider.client, world.ids
    before = await _snapshot(world)
    task = {"item_type": "task", "title": "Mine"}
    spent = {"date": "2026-03-02", "duration_seconds": 60}
    there = {"blocking_item_id": ids["item_id"], "blocked_item_id": world.open_item}
    days = {"start_date": "2026-11-23", "end_date": "2026-12-04"}
    copied = {"name": "Mine", "item": {"item_type": "task", "title": "Mine"}}
    answers = [
        await client.post(f"{API}/{path}", json=body)
        for path, body in (
            ("work-items", {**task, "project_id": ids["project_id"]}),
            ("work-items", {**task, "project_id": KEY}),
            ("work-items", {**task, "parent_id": ids["item_id"]}),
            ("work-items", {**task, "project_id": "OPEN", "parent_id": f"{KEY}-1"}),
            ("work-items", {**task, "project_id": "OPEN", "sprint_id": ids["sprint_id"]}),
            ("work-items", {**task, "project_id": "OPEN", "labels": [ids["label_id"]]}),
            ("work-items/quick", {"text": "Mine", "project_id": KEY}),
            ("work-items/quick/previews", {"text": f"Mine >{KEY}-1"}),
            ("work-items/batch", {"ids": [ids["item_id"]], "changes": {"priority": "high"}}),
            (f"work-items/{world.open_item}/transfers", {"project_id": KEY}),
            ("sprints", {"project_id": KEY, "name": "Mine", **days}),
            ("labels", {"project_id": ids["project_id"], "name": "Mine"}),
            ("item-templates", {"project_id": KEY, **copied}),
            ("views", {"project_id": KEY, "name": "Mine", "filter": "is:open"}),
            ("dependencies", there),
            ("time-entries", {**spent, "work_item_id": ids["item_id"]}),
            ("timer", {"work_item_id": f"{KEY}-1"}),
            ("llm/queries/workload", {"parameters": {"project": KEY}}),
        )
    ]  # fmt: skip

    many = await client.post(f"{API}/work-items/batch", json={"filter": CANARY, "action": "delete"})
    told = (*ids.values(), f"{KEY}-")
    assert [answer.text for answer in answers if answer.status_code not in {400, 404, 422}] == []
    assert [answer.text for answer in answers if _found(world, answer, *told)] == []
    assert (many.status_code, many.json()["total"]) == (200, 0)
    assert await _snapshot(world) == before


def _found(world: PrivateProject, answer: httpx.Response, *said: str) -> list[str]:
    """Return what an answer tells, but for what the question has `said` itself."""
    return [trace for trace in world.traces if trace in answer.text and trace not in said]


def _error(answer: httpx.Response) -> tuple[str, str | None] | None:
    if answer.status_code == 200:
        return None
    found = answer.json()["error"]
    return found["code"], found["param"]


async def _routes(world: PrivateProject) -> list[tuple[str, str]]:
    document = (await world.app.owner.get("/api/docs/openapi.json")).json()
    return [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if path.startswith(API)
    ]


async def _send(client: httpx.AsyncClient, method: str, path: str, url: str) -> httpx.Response:
    if path.endswith("/imports"):
        return await client.post(
            url, content=b"title\nTaken over\n", headers={"content-type": "text/csv"}
        )
    body = BODIES.get(f"{method} {path}")
    said: dict[str, Any] = {} if body is None else {"json": body}
    return await client.request(method, url, **said)


async def _snapshot(world: PrivateProject) -> list[Any]:
    ids = world.ids
    paths = (
        f"projects/{ids['project_id']}",
        f"projects/{ids['project_id']}/members",
        f"projects/{ids['project_id']}/board",
        f"projects/{ids['project_id']}/workflow",
        f"work-items/{ids['item_id']}",
        f"work-items/{ids['item_id']}/comments",
        f"work-items/{ids['item_id']}/attachments",
        f"work-items/{ids['item_id']}/dependencies",
        f"work-items/{ids['item_id']}/time-entries",
        f"sprints/{ids['sprint_id']}",
        f"labels/{ids['label_id']}",
        f"custom-fields/{ids['field_id']}",
        f"views/{ids['view_id']}",
        f"item-templates/{ids['template_id']}",
    )
    return [(await world.app.owner.get(f"{API}/{path}")).json() for path in paths]
