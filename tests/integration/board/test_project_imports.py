"""A whole project leaves a tenant and comes into another one, over HTTP."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from tests.fixtures.app import App, make_app
from tests.fixtures.rich_project import PIXEL, Rich, another_tenant, call
from tests.fixtures.stores import StoresKind

pytestmark = pytest.mark.anyio


@pytest.fixture(params=("sqlite", "schema"))
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[App]:
    async with make_app(tmp_path, cast("StoresKind", request.param)) as app:
        yield app


async def _archive(client: httpx.AsyncClient, key: str = "TM") -> bytes:
    answer = await client.get(f"/api/v1/projects/{key}/export", params={"format": "zip"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    return answer.content


async def _sent(client: httpx.AsyncClient, data: bytes, **query: Any) -> httpx.Response:
    return await client.post("/api/v1/project-imports", content=data, params=query)


def _document(archive: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        assert file.testzip() is None
        return cast("dict[str, Any]", json.loads(file.read("project.json")))


def _files(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist() if name != "project.json"}


def _same_for_all(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without what is another in each place: when, and whose addresses."""
    ids = {one["called"]: one["name"] for one in document["sprints"]}
    told = json.dumps({**document, "exported_at": None}, ensure_ascii=False)
    for place, called in enumerate(ids):
        told = told.replace(called, f"sprint {place}") if "-" in called else told
    people = [{**one, "email": None} for one in document["people"]]
    return {**json.loads(told), "people": people}


@pytest.mark.each_database(reason="what is written at once is written by other statements")
async def test_project_imports_integration_make_the_same_project_elsewhere(app: App) -> None:
    rich = Rich(app)
    await rich.make()
    first = await _archive(app.owner)
    elsewhere = await another_tenant(app)

    looked = await _sent(elsewhere, first, dry_run=True)
    report = await _sent(elsewhere, first)
    second = await _archive(elsewhere)
    again = await _sent(elsewhere, first)

    assert looked.status_code == 200, looked.text
    assert (looked.json()["status"], looked.json()["project_id"]) == ("checked", None)
    assert report.status_code == 201, report.text
    told = report.json()
    assert (told["status"], told["parts_wrong"], told["left_out"]) == ("imported", 0, [])
    assert told["counts"] == looked.json()["counts"]
    assert (told["people_matched"], told["people_named"]) == (1, ["Carl Ödland"])
    assert _same_for_all(_document(second)) == _same_for_all(_document(first))
    assert _files(second) == _files(first)
    assert len(_files(first)) == 2
    [said, *_] = next(item for item in _document(second)["items"] if item["comments"])["comments"]
    assert said["mentions"] == {"carlödland": "Carl Ödland"}
    assert (again.status_code, again.json()["status"]) == (200, "already_imported")
    assert _same_for_all(_document(await _archive(elsewhere))) == _same_for_all(_document(first))


async def test_project_imports_integration_are_read_like_any_project(app: App) -> None:
    rich = Rich(app)
    await rich.make()
    elsewhere = await another_tenant(app)
    members = await call(elsewhere, "GET", "/members")

    assert (await _sent(elsewhere, await _archive(app.owner))).status_code == 201

    assert await call(elsewhere, "GET", "/members") == members
    burndowns = [
        await call(client, "GET", f"/sprints/{sprint['id']}/burndown")
        for client in (app.owner, elsewhere)
        for sprint in (await call(client, "GET", "/sprints", params={"project_id": "TM"}))["items"]
    ]
    assert [_figures(one) for one in burndowns[:2]] == [_figures(one) for one in burndowns[2:]]
    assert burndowns[1]["final"]["done_points"] == 8
    for former in ("SEA-1", "TM-10", "SEA-2"):
        found = await call(elsewhere, "GET", f"/work-items/{former}")
        assert (found["title"], found["key"]) == ("Went", "TM-11")
    assert (await call(elsewhere, "GET", "/work-items/TM-3"))["assignee"]["name"] == "Carl Ödland"
    said = (await call(elsewhere, "GET", "/work-items/TM-3/comments"))["items"][0]
    history = await call(elsewhere, "GET", f"/comments/{said['id']}/history")
    assert [one["content"][:10] for one in history["items"]] == ["Look again", "Look, @car"]
    assert [(one["emoji"], one["count"]) for one in said["reactions"]] == [("🎉", 2)]
    [file] = (await call(elsewhere, "GET", "/work-items/TM-4/attachments"))["items"]
    content = await elsewhere.get(f"/api/v1/attachments/{file['id']}/content")
    assert (content.content, content.headers["content-type"]) == (PIXEL, "image/png")


async def test_project_imports_integration_answer_a_repeated_request_as_before(app: App) -> None:
    project = {"key": "TM", "name": "Tide"}
    await call(app.owner, "POST", "/projects", json=project)
    archive = await _archive(app.owner)
    elsewhere = await another_tenant(app)
    elsewhere.headers["Idempotency-Key"] = "once"

    first = await _sent(elsewhere, archive)
    again = await _sent(elsewhere, archive)
    other = await _sent(elsewhere, archive, key="SEA")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert other.status_code == 422, "the key belongs to another request"


async def test_project_imports_integration_say_what_is_wrong_and_where(app: App) -> None:
    wrong = {"format": "tidemill.project", "version": 1, "items": [{"key": "TM-1"}]}
    project = {"key": "TM", "name": "T", "description": None, "status": "active"}
    body = {**wrong, "project": {**project, "time_zone": "UTC"}}

    refused = await _sent(app.owner, json.dumps(body).encode())
    form = {"file": ("tm.zip", b"PK and no more", "application/zip")}
    broken = await app.owner.post("/api/v1/project-imports", files=form)

    assert refused.status_code == 422
    answer = refused.json()
    assert answer["error"]["code"] == "PROJECT_IMPORT_REJECTED"
    assert [part["path"] for part in answer["report"]["wrong"]] == ["items[0]"]
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "IMPORT_UNREADABLE")


def _figures(burndown: dict[str, Any]) -> dict[str, Any]:
    return {name: burndown[name] for name in ("committed", "final", "days")}


async def test_project_imports_integration_open_no_private_project(app: App) -> None:
    body = {"key": "HIDE", "name": "Hidden", "visibility": "private"}
    await app.owner.post("/api/v1/projects", json=body)
    document = (await app.owner.get("/api/v1/projects/HIDE/export?format=json")).json()
    unclear = {**document, "project": {**document["project"], "visibility": "nobody"}}

    made = await _sent(app.owner, json.dumps(document).encode(), key="NEW")
    refused = await _sent(app.owner, json.dumps(unclear).encode(), key="WRONG")
    project = (await app.owner.get("/api/v1/projects/NEW")).json()
    mine = (await app.owner.get("/api/v1/projects/NEW/members/me")).json()

    assert made.status_code in {200, 201}, made.text
    assert (project["visibility"], mine["role"]) == ("private", "owner")
    assert refused.status_code == 422, refused.text
    assert "tenant or private" in refused.text
