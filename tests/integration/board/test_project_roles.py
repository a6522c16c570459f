"""Every route of the board against every role in a project."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import httpx
import pytest
from msgspec import Struct

from tests.fixtures.app import error
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
from tests.fixtures.project_rights import MATRIX, body_of
from tidemill.board.module import ROUTES as BOARD_ROUTES
from tidemill.board.notifications_module import ROUTES as NOTIFICATION_ROUTES
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_git.routes import ROUTES as GIT_ROUTES

pytestmark = pytest.mark.anyio

# There is nothing to bring back, or to take away: they answer how it is.
_CHANGE_NOTHING: Final = {
    "DELETE /comments/{comment_id}/reactions/{emoji}",
    "POST /labels/{label_id}/restorations",
    "POST /projects/{project_id}/restorations",
    "POST /work-items/{item_id}/restorations",
}
_QUERIES: Final = {
    "GET /dependencies": "?project_id={key}",
    "GET /sprints": "?project_id={key}",
}


class Line(Struct, frozen=True):
    """A line of the matrix; without a role it needs none."""

    method: str
    path: str
    role: ProjectRole | None


LINES: Final = tuple(
    Line(method, path, None if role == "none" else ProjectRole(role))
    for method, path, role in (line.split() for line in MATRIX.strip().splitlines())
)


@pytest.fixture
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PrivateProject]:
    async with a_private_project(tmp_path_factory.mktemp("roles")) as world:
        yield world


def test_project_roles_are_said_for_every_route_of_the_board() -> None:
    routes = {
        f"{method} {path.replace(':str', '')}"
        for handler in (*BOARD_ROUTES, *NOTIFICATION_ROUTES, *GIT_ROUTES)
        for method in handler.http_methods
        for path in handler.paths
        if "unsubscribe" not in path
    }
    said = {f"{line.method} {line.path}" for line in LINES}

    assert routes - said == set(), "say in project_rights.py which role in a project they need"
    assert said - routes == set(), "these routes are gone"


@pytest.mark.parametrize("role", [ProjectRole.VIEWER, ProjectRole.COMMENTER, ProjectRole.EDITOR])
async def test_project_roles_refuse_what_is_beyond_them(
    world: PrivateProject, role: ProjectRole
) -> None:
    client = world.members[role].client
    before = await _snapshot(world)
    beyond = [line for line in LINES if line.role is not None and line.role.rank > role.rank]

    answers = {f"{one.method} {one.path}": await _send(world, client, one) for one in beyond}

    wrong = {
        line: one.text[:200]
        for line, one in answers.items()
        if one.status_code not in {403, 409} and line not in _CHANGE_NOTHING
    }
    assert wrong == {}
    assert await _snapshot(world) == before


async def test_project_roles_let_do_what_they_are_for(world: PrivateProject) -> None:
    own = {"NOT_YOUR_COMMENT", "NOT_YOUR_TIME_ENTRY", "VIEW_NOT_OWN"}
    # What ends something comes last, and the project at the very end.
    lines = sorted(
        LINES, key=lambda line: (line.method == "DELETE", line.path == "/projects/{project_id}")
    )
    wrong, done = {}, 0
    for role in ProjectRole.VIEWER, ProjectRole.COMMENTER, ProjectRole.EDITOR, ProjectRole.OWNER:
        for line in (one for one in lines if one.role is role):
            answer = await _send(world, world.members[role].client, line)
            done += answer.status_code < 300
            refused = answer.status_code == 403 and error(answer)[1] not in own
            if refused or answer.status_code in {401, 500}:
                wrong[f"{line.method} {line.path}"] = answer.text[:200]

    assert wrong == {}
    assert done > len([line for line in lines if line.role is not None]) * 0.8


async def test_project_roles_raise_a_viewer_of_the_tenant_in_one_project_alone(
    world: PrivateProject,
) -> None:
    guest = await a_person(world.app, "raised", role="viewer")
    await put_member(world.app.owner, world.ids["project_id"], guest, "editor")
    task = {"item_type": "task", "title": "By a viewer of the tenant"}

    item = await made(guest.client, "work-items", project_id=KEY, **task)
    elsewhere = await guest.client.post(f"{API}/work-items", json={**task, "project_id": "OPEN"})
    for_all = await guest.client.post(f"{API}/labels", json={"name": "for all"})
    field = {"key": "all", "name": "For all", "type": "text"}
    field_for_all = await guest.client.post(f"{API}/custom-fields", json=field)
    project = await guest.client.post(f"{API}/projects", json={"key": "NEW", "name": "New"})
    as_item = {"item_type": "project", "title": "New"}
    as_item_too = await guest.client.post(f"{API}/work-items", json=as_item)

    assert item["key"].startswith(f"{KEY}-")
    assert error(elsewhere)[:2] == (403, "PROJECT_ROLE_NEEDED")
    refused = [error(one)[:2] for one in (for_all, field_for_all, as_item_too)]
    assert refused == [(403, "TENANT_ROLE_NEEDED")] * 3
    assert error(project)[:2] == (403, "PERMISSION_DENIED")


async def test_project_roles_lower_a_member_of_the_tenant_in_an_open_project(
    world: PrivateProject,
) -> None:
    lowered = world.outsider
    url = f"{API}/work-items/{world.open_item}"
    before = await lowered.client.patch(url, json={"title": "By a member"})
    await put_member(world.app.owner, "OPEN", lowered, "commenter")

    after = await lowered.client.patch(url, json={"title": "By a commenter"})
    said = await lowered.client.post(f"{url}/comments", json={"content": "I may still say this"})
    mine = (await lowered.client.get(f"{API}/projects/OPEN/members/me")).json()

    assert (before.status_code, said.status_code) == (200, 201)
    assert error(after)[:2] == (403, "PROJECT_ROLE_NEEDED")
    assert (mine["role"], mine["source"]) == ("commenter", "project")


async def test_project_roles_leave_all_to_owners_and_admins_of_the_tenant(
    world: PrivateProject,
) -> None:
    admin = await a_person(world.app, "admin", role="admin")
    url = f"{API}/projects/{KEY}"

    read = await admin.client.get(url)
    changed = await admin.client.patch(url, json={"status": "archived"})
    with anyio.fail_after(60):
        while True:
            me = await admin.client.get(f"{url}/members/me")
            if me.status_code != 404:  # The board hears of people a moment later.
                break
            await anyio.sleep(0.02)
    mine = me.json()

    assert (read.status_code, changed.status_code) == (200, 200)
    assert (mine["role"], mine["source"]) == ("owner", "tenant")


async def test_project_roles_keep_who_sees_a_project_to_its_owners(world: PrivateProject) -> None:
    url = f"{API}/projects/{KEY}"
    refused = [
        error(await world.members["editor"].client.patch(url, json=body))[:2]
        for body in ({"visibility": "tenant"}, {"status": "archived"})
    ]

    opened = await world.members["owner"].client.patch(url, json={"visibility": "tenant"})
    found = await world.outsider.client.get(url)

    assert refused == [(403, "PROJECT_ROLE_NEEDED")] * 2
    assert (opened.json()["visibility"], found.status_code) == ("tenant", 200)


async def test_project_roles_are_left_by_whoever_wants_to(world: PrivateProject) -> None:
    viewer = world.members["viewer"]

    left = await viewer.client.delete(f"{API}/projects/{KEY}/members/me")
    after = await viewer.client.get(f"{API}/projects/{KEY}")

    assert (left.status_code, after.status_code) == (204, 404)


@pytest.mark.parametrize("own", ["me", "id"])
async def test_project_roles_are_raised_by_nobody_for_oneself(
    world: PrivateProject, own: str
) -> None:
    by_tenant = [await a_person(world.app, "onlooker", role="viewer"), world.outsider]
    answers = {}
    for person in by_tenant:
        mine = f"{API}/projects/OPEN/members/{own if own == 'me' else person.id}"
        answers[mine] = await person.client.put(mine, json={"role": "owner"})
    for role in ("viewer", "commenter", "editor"):
        person = world.members[role]
        mine = f"{API}/projects/{KEY}/members/{own if own == 'me' else person.id}"
        answers[f"{mine} {role}"] = await person.client.put(mine, json={"role": "owner"})
    hidden = f"{API}/projects/{KEY}/members/{own if own == 'me' else world.outsider.id}"
    unseen = await world.outsider.client.put(hidden, json={"role": "owner"})
    open_members = await world.app.owner.get(f"{API}/projects/OPEN/members")
    members = (await world.app.owner.get(f"{API}/projects/{KEY}/members")).json()["items"]
    roles = {one["id"]: one["role"] for one in members}

    refused = {line: error(one)[:2] for line, one in answers.items()}
    assert set(refused.values()) == {(403, "PROJECT_ROLE_NEEDED")}, refused
    assert error(unseen)[:2] == (404, "PROJECT_NOT_FOUND")
    assert {one.id for one in by_tenant}.isdisjoint(
        one["id"] for one in open_members.json()["items"]
    )
    assert {role: roles[one.id] for role, one in world.members.items()} == {
        role: role for role in world.members
    }


async def test_project_roles_are_lowered_by_owners_for_themselves(world: PrivateProject) -> None:
    owner = world.members["owner"].client
    mine = f"{API}/projects/{KEY}/members/me"

    lowered = await owner.put(mine, json={"role": "viewer"})
    raised = await owner.put(mine, json={"role": "owner"})

    assert lowered.status_code == 200, lowered.text
    assert error(raised)[:2] == (403, "PROJECT_ROLE_NEEDED")


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
async def test_project_roles_are_not_left_for_a_higher_one_by_the_tenant(
    world: PrivateProject, role: str
) -> None:
    person = world.outsider
    mine = f"{API}/projects/OPEN/members/me"
    await put_member(world.app.owner, "OPEN", person, role)

    left = await person.client.delete(mine)
    after = (await person.client.get(mine)).json()
    taken = await world.app.owner.delete(f"{API}/projects/OPEN/members/{person.id}")

    if role == "editor":
        assert (left.status_code, after["source"], taken.status_code) == (204, "tenant", 404)
    else:
        assert error(left)[:2] == (403, "PROJECT_ROLE_NEEDED")
        assert (after["role"], after["source"], taken.status_code) == (role, "project", 204)


@pytest.mark.parametrize("asked", ["", "?dry_run=true"])
async def test_project_roles_refuse_an_import_before_its_file_is_read(
    world: PrivateProject, asked: str
) -> None:
    url = f"{API}/projects/{KEY}/imports{asked}"
    csv = {"content-type": "text/csv"}
    refused = [
        await world.members[role].client.post(url, content=b"no titles", headers=csv)
        for role in ("viewer", "commenter")
    ]

    assert [error(one)[:2] for one in refused] == [(403, "PROJECT_ROLE_NEEDED")] * 2


async def test_project_roles_let_whoever_reads_keep_views_of_the_own(
    world: PrivateProject,
) -> None:
    view = {"project_id": KEY, "name": "Mine", "filter": "is:open"}
    viewer, editor = world.members["viewer"].client, world.members["editor"].client

    mine = await made(viewer, "views", **view)
    shared = await viewer.post(f"{API}/views", json={**view, "is_shared": True})
    later = await viewer.patch(f"{API}/views/{mine['id']}", json={"is_shared": True})
    others = await editor.get(f"{API}/views/{mine['id']}")
    listed = await viewer.get(f"{API}/views/{mine['id']}/work-items")
    deleted = await viewer.delete(f"{API}/views/{mine['id']}")

    assert [error(one)[:2] for one in (shared, later)] == [(403, "PROJECT_ROLE_NEEDED")] * 2
    assert (others.status_code, listed.status_code, deleted.status_code) == (404, 200, 204)


async def test_assignees_are_found_among_those_who_can_see(world: PrivateProject) -> None:
    url = f"{API}/work-items/{world.ids['item_id']}"
    editor = world.members["editor"].client
    seen = await editor.patch(url, json={"assignee_id": world.members["viewer"].id})
    unseen = await editor.patch(url, json={"assignee_id": world.outsider.id})
    watched = await editor.put(f"{url}/watchers/{world.outsider.id}")
    task = {"item_type": "task", "title": "New", "project_id": KEY}
    born = await editor.post(f"{API}/work-items", json={**task, "assignee_id": world.outsider.id})

    assert seen.status_code == 200, seen.text
    assert [error(one) for one in (unseen, born)] == [
        (422, "ASSIGNEE_WITHOUT_ACCESS", "assignee_id")
    ] * 2
    assert error(watched) == (422, "ASSIGNEE_WITHOUT_ACCESS", "user_id")


async def test_people_in_custom_fields_are_found_among_those_who_can_see(
    world: PrivateProject,
) -> None:
    field = {"key": "pilot", "name": "Pilot", "type": "user"}
    await made(world.app.owner, "custom-fields", **field)
    url = f"{API}/work-items/{world.ids['item_id']}"
    editor = world.members["editor"].client
    seen = await editor.patch(url, json={"custom_fields": {"pilot": world.members["viewer"].id}})
    unseen = await editor.patch(url, json={"custom_fields": {"pilot": world.outsider.id}})
    task = {"item_type": "task", "title": "New", "custom_fields": {"pilot": world.outsider.id}}
    born = await editor.post(f"{API}/work-items", json={**task, "project_id": KEY})
    elsewhere = await made(world.app.owner, "work-items", project_id="OPEN", **task)
    moved = await world.app.owner.post(
        f"{API}/work-items/{elsewhere['id']}/transfers", json={"project_id": KEY}
    )

    assert seen.status_code == 200, seen.text
    assert [error(one) for one in (unseen, born)] == [
        (422, "ASSIGNEE_WITHOUT_ACCESS", "custom_fields.pilot")
    ] * 2
    assert moved.json()["items"][0]["custom_fields_left"] == ["pilot"]


async def test_guards_of_a_workflow_know_people_by_their_role_in_the_project(
    world: PrivateProject,
) -> None:
    guard = {"type": "requires_role", "role": "admin"}
    move = {"from": "todo", "to": ["done"], "guards": [guard]}
    flow = {
        "statuses": [
            {"key": "todo", "name": "To do", "category": "unstarted"},
            {"key": "done", "name": "Done", "category": "done"},
        ],
        "transitions": [move],
        "moves": {CANARY: "done"},
    }
    put = await world.app.owner.put(f"{API}/projects/{KEY}/workflow", json=flow)
    url = f"{API}/work-items/{world.ids['item_id']}"
    finished = {"status": "done"}

    held = await world.members["editor"].client.patch(url, json=finished)
    done = await world.members["owner"].client.patch(url, json=finished)

    assert put.status_code == 200, put.text
    assert error(held)[1] == "TRANSITION_GUARDED"
    assert done.status_code == 200, done.text


async def _send(world: PrivateProject, client: httpx.AsyncClient, line: Line) -> httpx.Response:
    names = {**world.ids, "name": "workload", "key": KEY}
    path = line.path + _QUERIES.get(f"{line.method} {line.path}", "")
    url = API + re.sub(r"\{(\w+)\}", lambda match: names[match[1]], path)
    if line.path.endswith("/imports"):
        return await client.post(
            url, content=b"title\nMore\n", headers={"content-type": "text/csv"}
        )
    if line.method == "POST" and line.path.endswith("/attachments"):
        return await client.post(url, params={"name": "more.txt"}, content=b"more")
    body = body_of(line.method, line.path, world.ids)
    said: dict[str, Any] = {} if body is None else {"json": body}
    if "/watchers/{user_id}" in line.path:
        url = url.replace(world.ids["user_id"], "me")
    return await client.request(line.method, url, **said)


async def _snapshot(world: PrivateProject) -> list[Any]:
    ids = world.ids
    project = f"projects/{ids['project_id']}"
    paths = (
        project,
        *(f"{project}/{part}" for part in ("members", "board", "workflow", "board-settings")),
        *(f"{project}/{part}" for part in ("time-settings", "export?format=json")),
        *(f"work-items/{ids['item_id']}{part}" for part in ("", "/comments", "/attachments")),
        *(f"work-items/{ids['item_id']}{part}" for part in ("/dependencies", "/time-entries")),
        f"sprints/{ids['sprint_id']}",
        f"views?project_id={ids['project_id']}",
        f"item-templates?project_id={ids['project_id']}",
    )
    answers = [(await world.app.owner.get(f"{API}/{path}")).json() for path in paths]
    for each in answers:
        each.pop("exported_at", None)
    return answers
