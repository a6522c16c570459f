"""Whoever has a guest link reads one project, and nothing else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import httpx
import pytest

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
from tests.fixtures.route_bodies import BODIES
from tests.fixtures.route_rights import MATRIX
from tidemill.core.clock import Instant
from tidemill.runtime.clock import SystemClock

pytestmark = pytest.mark.anyio

_OPEN_TO_GUESTS: Final = """
GET /attachments/{attachment_id}
GET /attachments/{attachment_id}/content
GET /comments/{comment_id}
GET /custom-fields
GET /custom-fields/{field_id}
GET /dependencies
GET /dependencies/{dependency_id}
GET /events
GET /item-kinds
GET /item-kinds/{kind_key}
GET /labels
GET /labels/{label_id}
GET /projects
GET /projects/{project_id}
GET /projects/{project_id}/activity
GET /projects/{project_id}/board
GET /projects/{project_id}/board-settings
GET /projects/{project_id}/board/columns/{status}
GET /projects/{project_id}/critical-path
GET /projects/{project_id}/cumulative-flow
GET /projects/{project_id}/flow
GET /projects/{project_id}/forecast
GET /projects/{project_id}/velocity
GET /projects/{project_id}/workflow
GET /search
GET /sprints
GET /sprints/{sprint_id}
GET /sprints/{sprint_id}/burndown
GET /work-items
GET /work-items/{item_id}
GET /work-items/{item_id}/activity
GET /work-items/{item_id}/attachments
GET /work-items/{item_id}/comments
GET /work-items/{item_id}/dependencies
POST /ws-tickets
"""
OPEN_TO_GUESTS: Final = frozenset(_OPEN_TO_GUESTS.strip().splitlines())
_ABSENT: Final = "019c0000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PrivateProject]:
    async with a_private_project(tmp_path_factory.mktemp("guests")) as world:
        yield world


async def test_guests_read_what_is_in_their_project(world: PrivateProject) -> None:
    guest = await _a_guest(world, KEY)
    ids = {**world.ids, "kind_key": "task"}
    wanted = [line for line in OPEN_TO_GUESTS if not line.endswith(("/events", "dependency_id}"))]
    queries = {"/sprints": f"?project_id={KEY}", "/search": f"?q={CANARY}"}
    queries |= {"/dependencies": f"?project_id={KEY}"}
    answers = {}
    for line in sorted(wanted):
        method, path = line.split()
        url = re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], path) + queries.get(path, "")
        answers[line] = await guest.request(method, API + url)

    wrong = {line: one.text[:99] for line, one in answers.items() if one.status_code >= 300}
    assert wrong == {}
    assert [one["key"] for one in answers["GET /projects"].json()["items"]] == [KEY]
    assert {one["key"][:5] for one in answers["GET /work-items"].json()["items"]} == {f"{KEY}-"}
    assert CANARY in answers["GET /search"].text
    assert [line for line, one in answers.items() if "@" in one.text] == [], "no addresses"


async def test_guests_find_no_other_project(world: PrivateProject) -> None:
    guest = await _a_guest(world, "OPEN")
    ids = {**world.ids, "kind_key": "task"}
    found = {}
    for line in sorted(OPEN_TO_GUESTS - {"GET /events", "GET /item-kinds/{kind_key}"}):
        method, path = line.split()
        url = re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], path)
        answer = await guest.request(method, API + url)
        traces = [trace for trace in world.traces if trace in answer.text and trace not in url]
        if traces or ("{" in path and answer.status_code != 404):
            found[line] = answer.text[:99]

    assert found == {}


async def test_guests_read_no_key_of_another_project_in_histories(world: PrivateProject) -> None:
    guest = await _a_guest(world, KEY)
    item = world.ids["item_id"]

    history = await guest.get(f"{API}/work-items/{item}/activity")
    feed = await guest.get(f"{API}/projects/{KEY}/activity?limit=200")
    member = await world.members["viewer"].client.get(f"{API}/work-items/{item}/activity")

    assert "OPEN-" in member.text
    assert "OPEN-" not in history.text + feed.text
    assert "an item of another project" in history.text


async def test_guests_see_no_job_of_an_item(world: PrivateProject) -> None:
    guest, owner = await _a_guest(world, KEY), world.app.owner
    item = world.ids["item_id"]
    script = {"language": "python", "content": "def main():\n    return 1\n"}
    job = await owner.post(f"{API}/jobs", json={**script, "work_item_id": item})
    url = f"{API}/work-items/{item}"
    with anyio.fail_after(60):
        while (shown := (await owner.get(url)).json())["job"] is None:  # noqa: ASYNC110 - polled
            await anyio.sleep(0.02)
    paths = (
        f"work-items/{item}",
        f"work-items/{item}/activity",
        "work-items",
        f"projects/{KEY}/activity?limit=200",
        f"projects/{KEY}/board",
        f"projects/{KEY}/board/columns/{world.ids['status']}",
        f"search?q={CANARY}",
    )
    answers = [await guest.get(f"{API}/{path}") for path in paths]

    assert shown["job"]["id"] == job.json()["id"]
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    assert [str(answer.url) for answer in answers if job.json()["id"] in answer.text] == []


async def test_guests_may_do_nothing_else(world: PrivateProject) -> None:
    guest = await _a_guest(world, KEY)
    ids = {**world.ids, "attempt": "1"}
    wrong = {}
    for method, path in (line.split()[:2] for line in MATRIX.strip().splitlines()):
        if f"{method} {path.removeprefix(API)}" in OPEN_TO_GUESTS:
            continue
        url = re.sub(r"\{(\w+)\}", lambda match: ids.get(match[1], _ABSENT), path)
        body = BODIES.get(f"{method} {path}")
        said: dict[str, Any] = {} if body is None else {"json": body}
        answer = await guest.request(method, url, **said)
        # The dialects of models have errors of their own, and our code in a header.
        code = answer.headers.get("x-tidemill-error-code") or error(answer)[1]
        if (answer.status_code, code) != (403, "PERMISSION_DENIED"):
            wrong[f"{method} {path}"] = answer.text[:99]

    assert wrong == {}


async def test_guest_links_show_their_token_once_and_end(
    world: PrivateProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = world.members["owner"].client
    headers = {"idempotency-key": "one-link"}
    url = f"{API}/projects/{KEY}/guest-links"
    first = (await owner.post(url, json={"name": "Once"}, headers=headers)).json()
    again = (await owner.post(url, json={"name": "Once"}, headers=headers)).json()
    guest = world.app.client(first["token"])
    read = await guest.get(first["url"])
    listed = (await owner.get(url)).json()["items"]
    [used] = [one for one in listed if one["id"] == first["id"]]

    assert (first["id"], again["token"]) == (again["id"], None)
    assert read.json()["key"] == KEY
    assert used["last_used_at"] is not None
    assert first["token"] not in str(listed)
    ended = await owner.delete(f"{url}/{first['id']}")
    after = await guest.get(first["url"])
    assert (ended.status_code, error(after)[:2]) == (204, (401, "TOKEN_REVOKED"))
    late = await made(owner, f"projects/{KEY}/guest-links", name="Late", expires_in_days=1)
    real = SystemClock.now
    later = 2 * 86_400 * 1_000_000
    monkeypatch.setattr(SystemClock, "now", lambda self: Instant(real(self) + later))
    expired = await world.app.client(late["token"]).get(late["url"])
    assert error(expired)[:2] == (401, "TOKEN_EXPIRED")


async def test_guest_links_are_made_by_owners_of_the_project_alone(world: PrivateProject) -> None:
    url = f"{API}/projects/{KEY}/guest-links"
    refused = [
        error(await world.members[role].client.post(url, json={"name": "Mine"}))[:2]
        for role in ("editor", "commenter", "viewer")
    ]
    unseen = await world.outsider.client.post(url, json={"name": "Mine"})
    elsewhere = await made(world.app.owner, "projects/OPEN/guest-links", name="Elsewhere")
    crossed = await world.members["owner"].client.delete(f"{url}/{elsewhere['id']}")
    audited = await world.app.owner.get(f"{API}/audit-events?action=identity.guest_links.create")

    assert refused == [(403, "PROJECT_ROLE_NEEDED")] * 3
    assert error(unseen)[:2] == (404, "PROJECT_NOT_FOUND")
    assert error(crossed)[:2] == (404, "GUEST_LINK_NOT_FOUND")
    assert audited.status_code == 200


@pytest.mark.parametrize(
    "loss", ["lowered", "removed", "left", "removed from the tenant", "no admin"]
)
async def test_guest_links_end_with_the_ownership_of_who_made_them(
    world: PrivateProject, loss: str
) -> None:
    maker = await a_person(world.app, loss.replace(" ", "-"))
    members = f"{API}/projects/{KEY}/members"
    if loss == "no admin":
        await world.app.owner.patch(f"{API}/members/{maker.id}", json={"role": "admin"})
    else:
        await put_member(world.app.owner, KEY, maker, "owner")
    link = await made(maker.client, f"projects/{KEY}/guest-links", name="Mine")
    guest, kept = world.app.client(link["token"]), await _a_guest(world, KEY)
    before = await guest.get(link["url"])

    match loss:
        case "lowered":
            await put_member(world.app.owner, KEY, maker, "editor")
        case "removed":
            await world.app.owner.delete(f"{members}/{maker.id}")
        case "left":
            await maker.client.delete(f"{members}/me")
        case "no admin":
            await world.app.owner.patch(f"{API}/members/{maker.id}", json={"role": "member"})
        case _:
            await world.app.owner.delete(f"{API}/members/{maker.id}")
    # Roles lie in another store than links: it is told a moment later.
    with anyio.fail_after(60):
        while (  # noqa: ASYNC110 - it is polled
            after := await guest.get(link["url"])
        ).status_code == 200:
            await anyio.sleep(0.02)

    assert before.status_code == 200
    assert error(after)[:2] == (401, "TOKEN_REVOKED")
    assert (await kept.get(link["url"])).status_code == 200


async def _a_guest(world: PrivateProject, key: str) -> httpx.AsyncClient:
    link = await made(world.app.owner, f"projects/{key}/guest-links", name="The harbour office")
    return world.app.client(link["token"])
