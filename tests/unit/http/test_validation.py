from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.app import make_app

pytestmark = pytest.mark.anyio


async def test_bodies_that_are_none_are_told_in_words(tmp_path: Path) -> None:
    async with make_app(tmp_path) as app:
        told = {}
        for body in (b"", b"null", b"[]", b"{", b'{"key": TM}'):
            answer = await app.owner.post("/api/v1/projects", content=body)
            assert answer.status_code == 400
            told[body] = answer.json()["error"]["message"]

    assert told == {
        b"": "This request needs a body: a JSON object.",
        b"null": "The body must be JSON of type object, and is of type null.",
        b"[]": "The body must be JSON of type object, and is of type array.",
        b"{": "The body is no valid JSON: truncated.",
        b'{"key": TM}': "The body is no valid JSON: invalid character (byte 8).",
    }
