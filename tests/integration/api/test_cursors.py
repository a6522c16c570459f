"""Cursors that no list made, sent to every list."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from tests.fixtures.app import App, make_app
from tidemill.core import pages

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("cursors")) as app:
        yield app


async def test_lists_integration_refuse_a_key_that_they_did_not_make(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = await _lists(app)
    needed = await _needed(app)
    digests: dict[str, str] = {}
    said: dict[str, int] = {}
    for path in lists:
        params = needed.get(path, {})
        assert (await app.owner.get(path, params=params)).status_code == 200, path
        digests[path] = await _digest(app, path, params, monkeypatch)
        # What follows the digest is looked at by each list itself.
        forged = {"cursor": _cursor(["\x00"], digests[path])}
        said[path] = (await app.owner.get(path, params=params | forged)).status_code

    assert said == dict.fromkeys(lists, 400)
    assert len(set(digests.values())) == len(lists) > 20, "a digest is that of no other list"


async def _needed(app: App) -> dict[str, dict[str, str]]:
    """Return what some lists have to be asked with."""
    body = {"key": "TM", "name": "Tides"}
    project = (await app.owner.post("/api/v1/projects", json=body)).json()
    script = {"path": "harbour/five", "language": "python", "content": "def main(): ..."}
    deployed = await app.owner.post("/api/v1/scripts", json=script)
    assert deployed.status_code == 201, deployed.text
    return {
        "/api/v1/sprints": {"project_id": project["id"]},
        "/api/v1/script-versions": {"path": "harbour/five"},
    }


async def _digest(
    app: App, path: str, params: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """Return the digest that a list wants to find in its cursors."""
    wanted: list[str] = []

    def decode(_cursor: str, filter_digest: str) -> pages.Key:
        wanted.append(filter_digest)
        raise pages.InvalidCursor

    with monkeypatch.context() as patch:
        patch.setattr(pages, "_decode", decode)
        await app.owner.get(path, params=params | {"cursor": "x"})
    assert wanted, path
    return wanted[-1]


def _cursor(key: list[str | int | None], digest: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([key, digest])).decode()


async def test_lists_integration_refuse_the_cursor_of_another_list(app: App) -> None:
    for name in ("spring", "neap"):
        body = {"name": name, "scopes": ["read"]}
        await app.owner.post("/api/v1/api-tokens", json=body)
    first = (await app.owner.get("/api/v1/api-tokens", params={"limit": 1})).json()
    cursor = {"cursor": first["next_cursor"]}
    lists = await _lists(app)
    answers = [await app.owner.get(path, params=cursor) for path in lists]

    taken = [path for path, each in zip(lists, answers, strict=True) if each.status_code == 200]
    assert taken == ["/api/v1/api-tokens"]


async def _lists(app: App) -> list[str]:
    """Return the addresses of all lists that stand by themselves."""
    document = (await app.owner.get("/api/docs/openapi.json")).json()
    paths: dict[str, dict[str, Any]] = document["paths"]
    return [
        path
        for path, item in paths.items()
        if "{" not in path
        and any(one.get("name") == "cursor" for one in item.get("get", {}).get("parameters", ()))
    ]
