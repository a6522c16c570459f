"""ETags, against the document that tells where they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.fixtures.app import App, make_app
from tests.fixtures.dependencies import a_dependency
from tests.fixtures.model_server import an_alias
from tests.fixtures.news import a_colleague, a_notification

pytestmark = pytest.mark.anyio

_PUT: Final[dict[str, dict[str, Any]]] = {
    "calendars/tides": {"weekdays": [1]},
    "folders/tides": {"grants": {"role:member": "own"}},
    "variables/f/tides": {"value": "high"},
    "resource-types/tides": {"schema": {"type": "object"}},
    "resources/f/tides": {"type": "tides", "value": {"high": 1}},
}

_ANOTHER: Final[dict[str, dict[str, Any]]] = {
    "calendars/tides": {"weekdays": [2]},
    "resource-types/tides": {"schema": {"type": "object", "title": "Low"}},
}


async def test_etags_integration_are_answered_where_the_document_says(tmp_path: Path) -> None:
    async with make_app(tmp_path) as app:
        told = await _told(app.owner)
        paths = await _made(app)

        assert {_template(path, told) for path in paths} == told, "make one of each"
        for path in paths:
            read = await app.owner.get(path)
            tag = read.headers["etag"]
            known = await app.owner.get(path, headers={"If-None-Match": f'"v0", W/{tag}'})
            other = await app.owner.get(path, headers={"If-None-Match": '"v0"'})
            assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
            assert (other.status_code, other.content) == (200, read.content), path


async def test_etags_integration_hide_nothing_that_was_made_anew(tmp_path: Path) -> None:
    async with make_app(tmp_path) as app:
        for thing, body in _PUT.items():
            path = f"/api/v1/{thing}"
            await app.owner.put(path, json=body)
            tag = (await app.owner.get(path)).headers["etag"]
            gone = await app.owner.delete(path)
            await app.owner.put(path, json=body | _ANOTHER.get(thing, {"description": "low"}))

            anew = await app.owner.get(path, headers={"If-None-Match": tag})

            assert (gone.status_code, anew.status_code) == (204, 200), path


async def test_etags_integration_hide_not_that_a_script_was_archived(tmp_path: Path) -> None:
    async with make_app(tmp_path) as app:
        path = "/api/v1/scripts/f/tides"
        await _post(
            app.owner, "scripts", {"path": "f/tides", "language": "bash", "content": "true"}
        )
        tag = (await app.owner.get(path)).headers["etag"]

        await app.owner.delete(path)
        archived = await app.owner.get(path, headers={"If-None-Match": tag})

        assert archived.status_code == 200
        assert archived.json()["archived_at"] is not None


async def _told(owner: httpx.AsyncClient) -> set[str]:
    document = (await owner.get("/api/docs/openapi.json")).json()
    return {
        path
        for path, item in document["paths"].items()
        if "304" in item.get("get", {}).get("responses", {})
    }


def _template(path: str, known: set[str]) -> str:
    matching = (
        one
        for one in known
        if re.fullmatch(re.sub(r"\{path\}", ".+", re.sub(r"\{(?!path)\w+\}", "[^/]+", one)), path)
    )
    return next(matching, path)


_TEMPLATE = {"name": "Tide", "item": {"item_type": "task", "title": "Read"}}


_SETTINGS: dict[str, dict[str, Any]] = {
    "time-settings": {"books_jobs": True},
    "board-settings": {"lane_field": "epic"},
    "git": {"url": "https://git.invalid/tides.git"},
}


async def _made(app: App) -> list[str]:
    owner = app.owner
    script = {"path": "f/tides", "language": "bash", "content": "true"}
    me = (await owner.get("/api/v1/auth/me")).json()
    project = await _post(owner, "projects", {"key": "TM", "name": "Tides"})
    item = {"project_id": project["id"], "item_type": "task", "title": "Read gauges"}
    await _post(owner, "scripts", script)
    on_new_year = {"trigger": {"cron": "0 0 1 1 *"}}
    item_id = (await _post(owner, "work-items", item))["id"]
    spent = {"work_item_id": item_id, "date": "2026-03-02", "duration_seconds": 60}
    settings = {f"projects/{project['id']}/{part}": body for part, body in _SETTINGS.items()}
    days = {"start_date": "2026-11-23", "end_date": "2026-12-04"}
    sprint = {"project_id": project["id"], "name": "Spring tide", **days}
    comment = await _post(owner, f"work-items/{item_id}/comments", {"content": "Read"})
    file = await owner.post(
        f"/api/v1/work-items/{item_id}/attachments", params={"name": "a.txt"}, content=b"Read"
    )
    ids = {
        "attachments": file.json()["id"],
        "work-items": item_id,
        "custom-fields": (
            await _post(owner, "custom-fields", {"key": "site", "name": "Site", "type": "text"})
        )["id"],
        "item-kinds": (await _post(owner, "item-kinds", {"key": "idea", "name": "Idea"}))["key"],
        "item-templates": (await _post(owner, "item-templates", _TEMPLATE))["id"],
        "labels": (await _post(owner, "labels", {"name": "tides"}))["id"],
        "time-entries": (await _post(owner, "time-entries", spent))["id"],
        "comments": comment["id"],
        "sprints": (await _post(owner, "sprints", sprint))["id"],
        "dependencies": (await a_dependency(owner, item_id, item))["id"],
        "views": (await _post(owner, "views", {"name": "Mine", "filter": "is:open"}))["id"],
        "webhooks": (
            await _post(owner, "webhooks", {"url": "https://receiver.invalid/", "events": ["*"]})
        )["id"],
        "schedules": (
            await _post(
                owner, "schedules", {"path": "f/tides", "script_path": "f/tides", **on_new_year}
            )
        )["id"],
        "notifications": await a_notification(owner, await a_colleague(app), item_id),
        "llm/aliases": (model := await an_alias(owner, "tide"))["alias_id"],
        "llm/providers": model["provider_id"],
        "tenants": me["tenant"]["id"],
        "members": me["user"]["id"],
    }
    for thing, body in {**_PUT, **settings}.items():
        put = await owner.put(f"/api/v1/{thing}", json=body)
        assert put.status_code == 200, put.text
    things = [f"{kind}/{one}" for kind, one in ids.items()]
    workflow = f"projects/{project['id']}/workflow"
    brief = f"llm/projects/{project['id']}"
    content = f"attachments/{ids['attachments']}/content"
    of_it = (workflow, *settings, brief, content)
    own = ("notification-preferences", f"projects/{project['id']}", *of_it, "scripts/f/tides")
    return [f"/api/v1/{one}" for one in (*own, *things, *_PUT)]


async def _post(owner: httpx.AsyncClient, things: str, body: dict[str, Any]) -> dict[str, Any]:
    made = await owner.post(f"/api/v1/{things}", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())
