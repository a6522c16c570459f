from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fixtures.app import App, make_app

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("validation")) as app:
        yield app


async def test_bodies_that_are_none_are_told_in_words(app: App) -> None:
    told = {}
    for body in (b"", b"null", b"[]", b"{", b'{"key": TM}'):
        answer = await app.owner.post("/api/v1/projects", content=body)
        assert answer.status_code == 400
        told[body] = answer.json()["error"]["message"]

    assert told == {
        b"": "This request needs a body: a JSON object.",
        b"null": "The body must be JSON of type object, and is of type null.",
        b"[]": "The body must be JSON of type object, and is of type array.",
        b"{": "The body is no valid JSON: truncated (it ends after byte 1).",
        b'{"key": TM}': "The body is no valid JSON: invalid character (byte 8).",
    }


async def test_a_number_that_is_too_large_is_told_with_its_place(app: App) -> None:
    body = b'{"script_path": "tides", "args": {"levels": [1, 1e999]}}'
    answer = await app.owner.post("/api/v1/jobs", content=body)

    error = answer.json()["error"]
    assert error["param"] == "args.levels[1]"
    assert error["message"] == "args.levels[1]: Expected a number of at most 1.8e308."


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        (
            "PUT",
            "/api/v1/folders/harbour",
            {"grants": {"role:member": "fly"}},
            "grants[...]: 'fly' is not one of read, run, write, own.",
        ),
        (
            "POST",
            "/api/v1/jobs",
            {"script_path": "tides", "tga": "gpu"},
            "tga is not a field of this body. Did you mean tag?",
        ),
        (
            "POST",
            "/api/v1/jobs",
            {"script_path": "tides", "limits": {"concurency": {"limit": 1}}},
            "limits.concurency is not a field of this body. Did you mean concurrency?",
        ),
        (
            "POST",
            "/api/v1/schedules",
            {"path": "a", "trigger": {"corn": "@daily"}},
            "trigger.corn is not a field of this body. Did you mean cron?",
        ),
        (
            "POST",
            "/api/v1/schedules",
            {"path": "a", "after": [{"path": "b", "on": "sucess"}]},
            "after[0].on: 'sucess' is not one of success, finish, any.",
        ),
        (
            "GET",
            "/api/v1/jobs?stat=failed",
            None,
            "stat is not a query parameter of this route. Did you mean state?",
        ),
        (
            "POST",
            "/api/v1/jobs?wiat=6",
            {"language": "bash", "content": "true"},
            "wiat is not a query parameter of this route. Did you mean wait?",
        ),
        (
            "GET",
            "/api/v1/jobs/0192/why?x",
            None,
            "x is not a query parameter of this route.",
        ),
        (
            "GET",
            "/api/v1/variables/value",
            None,
            "path is missing; it is a query parameter.",
        ),
        (
            "GET",
            "/api/v1/jobs?since=yesterday",
            None,
            "since: Expected an instant with its zone, such as 2026-01-31T12:00:00Z.",
        ),
    ],
)
async def test_a_choice_within_a_map_and_an_instant_are_told_by_what_they_can_be(
    app: App, method: str, path: str, body: object, told: str
) -> None:
    answer = await app.owner.request(method, path, json=body)

    error = answer.json()["error"]
    assert (answer.status_code, error["message"]) == (400, told)
    assert error["param"], "programs are told the field, too"
    assert told.startswith(error["param"])
