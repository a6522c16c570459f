"""The character U+0000, which one of the databases cannot keep: both refuse it, and say where."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fixtures.app import App, error, make_app

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("texts")) as app:
        yield app


async def test_texts_integration_with_a_nul_are_refused_with_their_field(app: App) -> None:
    in_query = await app.owner.get("/api/v1/audit-events", params={"actor": "a\0"})
    in_path = await app.owner.get("/api/v1/scripts/f%00")
    log_in = {"email": "ada@example.org\0", "password": "x"}
    in_body = await app.anonymous.post("/api/v1/auth/login", json=log_in)
    job = {"language": "python", "content": "def main(a): ...", "args": {"a": [{"b": "c\0"}]}}
    nested = await app.owner.post("/api/v1/jobs", json=job)
    as_name = await app.owner.post("/api/v1/jobs", json={**job, "args": {"a\0": 1}})

    assert [error(answer)[::2] for answer in (in_query, in_path, in_body, nested, as_name)] == [
        (400, "actor"), (400, "path"), (400, "email"), (400, "args.a.b"), (400, "args"),
    ]  # fmt: skip
    assert "U+0000" in nested.json()["error"]["message"]


async def test_texts_integration_with_a_backslash_before_what_looks_like_a_nul_are_kept(
    app: App,
) -> None:
    body = {"key": "TM", "name": "\\u0000"}
    made = await app.owner.post("/api/v1/projects", json=body)

    assert (made.status_code, made.json()["name"]) == (201, "\\u0000")
