"""Cursors that no list made, sent to every list."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.fixtures.app import App, make_app

pytestmark = pytest.mark.anyio

FORGED: Final = base64.urlsafe_b64encode(msgspec.json.encode([["\x00"], ""])).decode()


async def test_lists_integration_refuse_a_cursor_that_they_did_not_make(tmp_path: Path) -> None:
    async with make_app(tmp_path) as app:
        lists = await _lists(app)
        answers = [await app.owner.get(path, params={"cursor": FORGED}) for path in lists]

    said = {path: answer.status_code for path, answer in zip(lists, answers, strict=True)}
    assert said == dict.fromkeys(lists, 400)
    assert len(lists) > 20


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
