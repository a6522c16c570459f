"""Cursors that no list made, sent to the lists of jobs and scripts."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fixtures.app import App, make_app
from tidemill.jobs.records.search.models import JobFilter

pytestmark = pytest.mark.anyio

FORGED: list[list[Any]] = [
    [],
    [None],
    [-1],
    [2**63],
    ["a", "b"],
    [1, 2],
    ["\x00"],
    ["ffffffff-ffff-7fff-ffff-zzzzzzzzzzzz"],
    ["zzzzzzzz-zzzz-7zzz-zzzz-zzzzzzzzzzzz"],
]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with make_app(tmp_path) as made:
        yield made


def _cursor(key: list[Any], digest: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([key, digest])).decode().rstrip("=")


async def test_lists_integration_refuse_a_cursor_that_they_did_not_make(app: App) -> None:
    body = {"path": "a/b", "language": "python", "content": "def main() -> None: ..."}
    deployed = await app.owner.post("/api/v1/scripts", json=body)
    assert deployed.status_code == 201, deployed.text
    said = {}

    for key in FORGED:
        for path, digest in (("jobs", JobFilter().digest), ("scripts", "list_scripts")):
            cursor = _cursor(key, digest)
            answer = await app.owner.get(f"/api/v1/{path}", params={"cursor": cursor})
            said[path, str(key)] = answer.status_code

    text = {("scripts", str(key)) for key in FORGED[-2:]}  # A text, as paths are: nothing follows.
    assert {place: status for place, status in said.items() if status != 400} == dict.fromkeys(
        text, 200
    )
