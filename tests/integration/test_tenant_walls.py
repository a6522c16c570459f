"""A member of one tenant against everything of another (A1, U8; defects 1 to 3 of 1.3)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import httpx
import pytest
from msgspec import Struct

from tests.fixtures.app import App, error, make_app
from tests.fixtures.dependencies import a_dependency
from tests.fixtures.failed_pings import a_failed_ping
from tests.fixtures.model_server import an_alias
from tests.fixtures.news import a_notification
from tests.fixtures.route_bodies import BODIES

pytestmark = pytest.mark.anyio

CANARY: Final = "kestrel-canary"
_PASSWORD: Final = "a long Passw0rd of a stranger"

# Settings and calendars are named alike in every tenant: their values are what must stay apart.
_NO_THING: Final = ("{key}", "/calendars/{name}", "/tags/{tag}", "/workers/{worker_id}")
# A path belongs to a tenant: to write one of another's is to make one's own.
_OWN_PATHS: Final[dict[str, Any]] = {
    "/folders/hidden": {"grants": {"role:member": "own"}},
    "/variables/f/hidden": {"value": "of the stranger"},
    "/resources/f/hidden": {"type": "hidden", "value": {"of": "the stranger"}},
    "/resource-types/hidden": {"schema": {"type": "object"}},
}
_DAYS: Final = {"start_date": "2026-11-23", "end_date": "2026-12-04"}
_MAKES: Final = (
    "/folders/{name}",
    "/variables/{path}",
    "/resources/{path}",
    "/resource-types/{name}",
    "/retention-rules/{name}",
)


class Walls(Struct, frozen=True):
    """Two tenants: what is in the first, and an owner of the second."""

    app: App
    ids: dict[str, str]
    stranger: httpx.AsyncClient


@pytest.fixture(scope="module")
async def walls(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walls]:
    async with make_app(tmp_path_factory.mktemp("walls")) as app:
        yield Walls(app, await _things(app), await _a_stranger(app))


async def test_tenant_walls_hide_every_object_by_its_id(walls: Walls) -> None:
    before = await _snapshot(walls)
    wrong = []
    for method, path in await _routes(walls.app):
        if "{" not in path or any(name in path for name in _NO_THING):
            continue
        if method == "PUT" and path.endswith(_MAKES):
            continue
        url = re.sub(r"\{(\w+)\}", lambda match: walls.ids[match[1]], path)
        answer = await _send(walls.stranger, method, path, url)
        if answer.status_code != 404 or CANARY in answer.text:
            wrong.append((method, path, answer.status_code, answer.text[:200]))

    assert wrong == []
    assert await _snapshot(walls) == before


async def test_tenant_walls_keep_values_of_one_path_apart(walls: Walls) -> None:
    before = await _snapshot(walls)
    for path, body in reversed(_OWN_PATHS.items()):
        url = f"/api/v1{path}"
        read = await walls.stranger.get(url)
        made = await walls.stranger.put(url, json=body)
        while_both = await _snapshot(walls)
        assert (read.status_code, made.status_code) == (404, 200), made.text
        assert while_both == before
    for path in _OWN_PATHS:
        gone = await walls.stranger.delete(f"/api/v1{path}")
        assert gone.status_code == 204, gone.text

    assert await _snapshot(walls) == before


async def test_tenant_walls_keep_calendars_of_one_name_apart(walls: Walls) -> None:
    before = await _snapshot(walls)
    url = "/api/v1/calendars/hidden"

    read = await walls.stranger.get(url)
    made = await walls.stranger.put(url, json={"weekdays": [1]})
    removed = await walls.stranger.delete(url)

    assert (read.status_code, made.status_code, removed.status_code) == (404, 200, 204)
    assert await _snapshot(walls) == before


async def test_tenant_walls_keep_strategies_to_operators(walls: Walls) -> None:
    url = "/api/v1/tags/default/strategy"
    weights = {walls.ids["tenant_id"]: 7}
    made = await walls.app.owner.put(url, json={"workers": "least_loaded", "weights": weights})
    assert made.status_code == 200, made.text

    unknown = await walls.app.owner.put(url, json={"weights": {**weights, "harbour": 2}})
    changed = await walls.stranger.put(url, json={"order": "priority_fifo"})
    removed = await walls.stranger.delete(url)
    read = (await walls.stranger.get(url)).json()

    assert error(unknown) == (400, "INVALID_STRATEGY", "weights.harbour")
    refusals = [answer.json()["error"]["code"] for answer in (changed, removed)]
    assert refusals == ["STRATEGY_OPERATOR_NEEDED"] * 2
    assert (read["workers"], read["weights"]) == ("least_loaded", {}), "not whom else there is"
    assert (await walls.app.owner.get(url)).json()["weights"] == weights


async def test_tenant_walls_keep_pauses_apart_and_workers_to_operators(walls: Walls) -> None:
    paused = await walls.stranger.post("/api/v1/tags/default/pause")
    everywhere = await walls.stranger.post("/api/v1/tags/default/pause", json={"everywhere": True})
    drained = await walls.stranger.post("/api/v1/workers/any/drain")
    counted = await walls.stranger.get("/api/v1/tags?everywhere=true")
    tags = (await walls.app.owner.get("/api/v1/tags")).json()["items"]

    assert paused.json()["paused"] is True
    refusals = [answer.json()["error"]["code"] for answer in (everywhere, drained, counted)]
    assert refusals == ["JOBS_OPERATOR_NEEDED"] * 3
    assert [tag["tag"] for tag in tags if tag["paused"]] == []


async def test_tenant_walls_keep_lists_and_streams_apart(walls: Walls) -> None:
    lists = [
        path
        for method, path in await _routes(walls.app)
        if method == "GET" and "{" not in path and path != "/api/v1/events"
    ]
    answers = {path: await walls.stranger.get(path) for path in lists}

    assert len(lists) > 10
    assert [path for path, answer in answers.items() if CANARY in answer.text] == []
    assert [path for path, answer in answers.items() if answer.status_code >= 500] == []
    owner = [(await walls.app.owner.get(path)).text for path in lists]
    assert sum(CANARY in text for text in owner) >= 5, "the canary is where it should be seen"


async def test_tenant_walls_refuse_links_into_another_tenant(walls: Walls) -> None:
    """A thing of one's own cannot be tied to a thing, or a person, of another tenant."""
    mine = (
        await walls.stranger.post("/api/v1/projects", json={"key": "MY", "name": "Mine"})
    ).json()
    item = {"item_type": "task", "title": "Mine", "project_id": mine["id"]}
    timed = {"work_item_id": walls.ids["item_id"], "duration_seconds": 60, "date": "2026-03-02"}
    code = {"language": "python", "content": "def main():\n    pass\n"}
    answers = [
        await walls.stranger.post("/api/v1/work-items", json={**item, **link})
        for link in (
            {"project_id": walls.ids["project_id"]},
            {"parent_id": walls.ids["item_id"]},
            {"assignee_id": walls.ids["user_id"]},
            {"labels": [walls.ids["label_id"]]},
            {"sprint_id": walls.ids["sprint_id"]},
        )
    ]
    view = {"name": "Mine", "filter": "is:open"}
    answers += [
        await walls.stranger.post("/api/v1/views", json={**view, **link})
        for link in (
            {"project_id": walls.ids["project_id"]},
            {"filter": f"parent:{walls.ids['item_id']}"},
        )
    ]
    answers += [
        await walls.stranger.get("/api/v1/search", params={"q": CANARY, "filter": "key:TM-1"})
    ]
    answers += [
        await walls.stranger.post("/api/v1/time-entries", json=timed),
        await walls.stranger.post("/api/v1/timer", json={"work_item_id": walls.ids["item_id"]}),
        await walls.stranger.get(f"/api/v1/time-reports?work_item_id={walls.ids['item_id']}"),
        await walls.stranger.get(f"/api/v1/time-entries?project_id={walls.ids['project_id']}"),
        await walls.stranger.post(
            "/api/v1/dependencies",
            json={
                "blocking_item_id": walls.ids["item_id"],
                "blocked_item_id": walls.ids["item_id"],
            },
        ),
        await walls.stranger.post("/api/v1/jobs", json={"script_path": walls.ids["path"]}),
        await walls.stranger.post(
            "/api/v1/jobs", json={**code, "work_item_id": walls.ids["item_id"]}
        ),
        await walls.stranger.put("/api/v1/auth/tenant", json={"tenant_id": walls.ids["tenant_id"]}),
    ]

    assert [
        answer.status_code for answer in answers if answer.status_code not in {400, 404, 422}
    ] == []


async def _routes(app: App) -> list[tuple[str, str]]:
    document = (await app.owner.get("/api/docs/openapi.json")).json()
    return [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if path.startswith("/api/v1")
    ]


async def _send(client: httpx.AsyncClient, method: str, path: str, url: str) -> httpx.Response:
    if path.endswith("/imports"):
        return await client.post(
            url, content=b"title\nTaken over\n", headers={"content-type": "text/csv"}
        )
    body = BODIES.get(f"{method} {path}")
    said = {} if body is None else {"json": body}
    return await client.request(method, url, **said)


async def _things(app: App) -> dict[str, str]:
    """Make one of each in the owner's tenant, all with the canary in their text."""
    owner = app.owner
    me = (await owner.get("/api/v1/auth/me")).json()
    invited = await _made(owner, "invitations", email="bob@example.org")
    # The owner makes the other tenant too, so somebody else is the person who is only here.
    bob = await _join(app, invited["token"], "bob@example.org", CANARY)
    project = await _made(owner, "projects", key="TM", name=CANARY)
    task = {"project_id": project["id"], "item_type": "task", "title": CANARY}
    item = await _made(owner, "work-items", **task)
    entry = await _tracked(owner, item["id"])
    sprint = await _made(owner, "sprints", project_id=project["id"], name=CANARY, **_DAYS)
    view = await _made(owner, "views", name=CANARY, filter="is:open", is_shared=True)
    comment = await _made(owner, f"work-items/{item['id']}/comments", content=CANARY)
    dependency = await a_dependency(owner, item["id"], task)
    content = f"def main():\n    return '{CANARY}'\n"
    path = "f/hidden"  # Without the canary: answers may repeat what the caller asked for.
    await _made(owner, "scripts", path=path, language="python", content=content)
    job = await _made(owner, "jobs", script_path=path, work_item_id=item["id"])
    schedule = await _made(
        owner,
        "schedules",
        path=path,
        script_path=path,
        trigger={"every_seconds": 86_400},
        description=CANARY,
    )
    occurrence = await _made(owner, f"schedules/{schedule['id']}/run-now")
    await _settled(owner, item["id"], schedule["id"])
    await _named(owner)
    token = await _made(owner, "api-tokens", name=CANARY, scopes=["read"])
    return {
        "tenant_id": me["tenant"]["id"],
        "user_id": bob["user_id"],
        "session_id": me["session_id"],
        "project_id": project["id"],
        "item_id": item["id"],
        "label_id": (await _made(owner, "labels", name=CANARY))["id"],
        "field_id": (await _made(owner, "custom-fields", key="at", name=CANARY, type="text"))["id"],
        "entry_id": entry["id"],
        "sprint_id": sprint["id"],
        "view_id": view["id"],
        "status": "todo",
        "comment_id": comment["id"],
        "emoji": "👍",
        **await _beside(app, item["id"], bob["access_token"]),
        "dependency_id": dependency["id"],
        **await a_failed_ping(owner, CANARY),
        **await an_alias(owner, CANARY),
        "path": path,
        "job_id": job["id"],
        "attempt": "1",
        "schedule_id": schedule["id"],
        "occurrence_id": occurrence["id"],
        **dict.fromkeys(("name", "kind_key"), "hidden"),
        "token_id": token["id"],
        "worker_token_id": (await _made(owner, "worker-tokens", name=CANARY))["id"],
        "invitation_id": (await _made(owner, "invitations", email=f"{CANARY}@x.org"))["id"],
        "guest_link_id": (await _made(owner, "projects/TM/guest-links", name=CANARY))["id"],
    }


async def _beside(app: App, item_id: str, token: str) -> dict[str, str]:
    """Return what there is around an item: a file, and what its maker hears of by a colleague."""
    like = {"name": CANARY, "item": {"item_type": "task", "title": CANARY}}
    return {
        "template_id": (await _made(app.owner, "item-templates", **like))["id"],
        "attachment_id": (await _a_file(app.owner, item_id))["id"],
        "notification_id": await a_notification(app.owner, app.client(token), item_id, CANARY),
    }


async def _a_file(owner: httpx.AsyncClient, item_id: str) -> dict[str, Any]:
    url = f"/api/v1/work-items/{item_id}/attachments"
    made = await owner.post(url, params={"name": f"{CANARY}.txt"}, content=CANARY.encode())
    assert made.status_code == 201, made.text
    return dict(made.json())


async def _named(owner: httpx.AsyncClient) -> None:
    """Make what has a name instead of an id."""
    for thing, body in (
        ("calendars/hidden", {"description": CANARY}),
        ("folders/hidden", {"description": CANARY}),
        ("variables/f/hidden", {"value": CANARY, "is_secret": True}),
        ("resource-types/hidden", {"schema": {"type": "object", "title": CANARY}}),
        ("resources/f/hidden", {"type": "hidden", "value": {"canary": CANARY}}),
    ):
        put = await owner.put(f"/api/v1/{thing}", json=body)
        assert put.status_code == 200, put.text
    await _made(owner, "item-kinds", key="hidden", name=CANARY)


async def _tracked(owner: httpx.AsyncClient, item_id: str) -> dict[str, Any]:
    """Return an entry on the item, beside the owner's timer."""
    spent = {"work_item_id": item_id, "description": CANARY}
    await _made(owner, "timer", **spent)
    return await _made(owner, "time-entries", **spent, date="2026-03-02", duration_seconds=60)


async def _settled(owner: httpx.AsyncClient, item_id: str, schedule_id: str) -> None:
    """Wait for what changes by itself: it could not be compared."""
    occurrences = f"/api/v1/schedules/{schedule_id}/occurrences?state=started"
    with anyio.fail_after(60):
        while True:
            item = (await owner.get(f"/api/v1/work-items/{item_id}")).json()
            started = (await owner.get(occurrences)).json()["items"]
            if item["job"] is not None and started:
                return
            await anyio.sleep(0.05)


async def _a_stranger(app: App) -> httpx.AsyncClient:
    """Return the owner of another tenant, who never was in the first."""
    other = await _made(app.owner, "tenants", name="Other", slug="other")
    switched = await app.owner.put("/api/v1/auth/tenant", json={"tenant_id": other["id"]})
    inside = app.client(switched.json()["access_token"])
    made = await _made(inside, "invitations", email="eve@example.org", role="owner")
    home = (await inside.get("/api/v1/tenants")).json()["items"]
    first = next(tenant["id"] for tenant in home if tenant["id"] != other["id"])
    await inside.put("/api/v1/auth/tenant", json={"tenant_id": first})
    joined = await _join(app, made["token"], "eve@example.org", "Eve")
    return app.client(joined["access_token"])


async def _join(app: App, token: str, email: str, name: str) -> dict[str, Any]:
    body = {"token": token, "email": email, "name": name, "password": _PASSWORD}
    answer = await app.anonymous.post("/api/v1/auth/registrations", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _made(client: httpx.AsyncClient, things: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/{things}", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _snapshot(walls: Walls) -> list[Any]:
    paths = (
        f"/projects/{walls.ids['project_id']}",
        f"/projects/{walls.ids['project_id']}/time-settings",
        f"/projects/{walls.ids['project_id']}/board-settings",
        f"/projects/{walls.ids['project_id']}/board",
        f"/work-items/{walls.ids['item_id']}",
        f"/work-items/{walls.ids['item_id']}/watchers",
        f"/labels/{walls.ids['label_id']}",
        f"/custom-fields/{walls.ids['field_id']}",
        f"/work-items/{walls.ids['item_id']}/time-entries",
        "/timer",
        f"/sprints/{walls.ids['sprint_id']}",
        f"/views/{walls.ids['view_id']}",
        f"/comments/{walls.ids['comment_id']}",
        f"/work-items/{walls.ids['item_id']}/comments",
        f"/work-items/{walls.ids['item_id']}/attachments",
        f"/attachments/{walls.ids['attachment_id']}",
        f"/dependencies/{walls.ids['dependency_id']}",
        f"/scripts/{walls.ids['path']}",
        f"/members/{walls.ids['user_id']}",
        f"/tenants/{walls.ids['tenant_id']}",
        f"/api-tokens/{walls.ids['token_id']}",
        f"/schedules/{walls.ids['schedule_id']}",
        "/calendars/hidden",
        "/folders/hidden",
        "/variables/value?path=f/hidden",
        "/resources/f/hidden",
        "/resource-types/hidden",
        "/invitations",
        "/worker-tokens",
    )
    return [(await walls.app.owner.get(f"/api/v1{path}")).json() for path in paths]
