"""Bodies as deep as can just be decoded: some code behind the route may not write them again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fixtures.app import App, make_app

pytestmark = pytest.mark.anyio

# Around the interpreter's limit of 1,000, less what the stack of a test holds already.
_DEPTHS = range(840, 1_000)


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("nesting")) as app:
        yield app


async def test_nesting_integration_is_accepted_or_refused_at_each_depth(app: App) -> None:
    answers: list[tuple[int, str | None]] = []
    headers = {"content-type": "application/json"}
    for depth in _DEPTHS:
        body = '{"id":"job-%d","language":"python","content":"def main(a): pass","args":{"a":%s}}'
        answer = await app.owner.post(
            "/api/v1/jobs", content=body % (depth, "[" * depth + "]" * depth), headers=headers
        )
        error = answer.json()["error"]
        answers.append((answer.status_code, error and error["code"]))

    assert set(answers) == {(201, None), (400, "VALIDATION_FAILED")}
    assert answers == sorted(answers), "what is too deep stays so, deeper still"


async def test_nesting_integration_of_a_value_with_references_is_refused_where_it_is_resolved(
    app: App,
) -> None:
    value: object = "$var:nowhere"
    for _ in range(900):
        value = [value]
    body = {"type": "deep", "value": {"deep": value}}
    await app.owner.put("/api/v1/resource-types/deep", json={"schema": {"type": "object"}})
    kept = await app.owner.put("/api/v1/resources/deep", json=body)
    read = await app.owner.get("/api/v1/resources/value", params={"path": "deep"})

    assert kept.status_code == 200, kept.text
    assert (read.status_code, read.json()["error"]["code"]) == (422, "REFERENCE_INVALID")
