"""Cursors that no list made, sent to every list."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
import pytest

from tests.fixtures.app import App, make_app

pytestmark = pytest.mark.anyio

FORGED: Final = base64.urlsafe_b64encode(msgspec.json.encode([["\x00"], ""])).decode()


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("cursors")) as app:
        yield app


async def test_lists_integration_refuse_a_cursor_that_they_did_not_make(app: App) -> None:
    lists = await _lists(app)
    answers = [await app.owner.get(path, params={"cursor": FORGED}) for path in lists]

    said = {path: answer.status_code for path, answer in zip(lists, answers, strict=True)}
    assert said == dict.fromkeys(lists, 400)
    assert len(lists) > 20


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
