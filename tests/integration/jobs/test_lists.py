"""Lists of jobs stay small, whatever the jobs were given, on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fixtures.app import App, make_app
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind

pytestmark = pytest.mark.anyio

LARGE: Final = {"log": "Ebbe und Fløde " * 12_000}
SMALL: Final = {"log": "ebb"}
page_bytes_max: Final = 20_000


@pytest.fixture(params=KINDS_BY_TIER)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[App]:
    kind: StoresKind = request.param
    async with make_app(tmp_path, kind) as app:
        yield app


async def a_job(app: App, args: dict[str, Any], **fields: Any) -> str:
    body = {"language": "bash", "content": "true", "args": args, **fields}
    made = await app.owner.post("/api/v1/jobs", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_lists_integration_large_arguments_are_shown_by_a_job_alone(app: App) -> None:
    """Windmill's #3679: a list of jobs does not load what they were given."""
    ended, live = [await a_job(app, LARGE) for _ in range(2)]
    small = await a_job(app, SMALL)
    cancelled = await app.owner.post(f"/api/v1/jobs/{ended}/cancel")
    assert cancelled.json()["state"] == "cancelled"

    page = await app.owner.get("/api/v1/jobs")
    alone = [(await app.owner.get(f"/api/v1/jobs/{id_}")).json() for id_ in (ended, live)]

    listed = {job["id"]: job for job in page.json()["items"]}
    assert len(page.content) < page_bytes_max
    assert [(listed[id_]["args"], listed[id_]["args_truncated"]) for id_ in (ended, live)] == [
        (None, True)
    ] * 2
    assert (listed[small]["args"], listed[small]["args_truncated"]) == (SMALL, False)
    assert [(job["args"], job["args_truncated"]) for job in alone] == [(LARGE, False)] * 2


async def test_lists_integration_a_tree_of_large_jobs_is_small(app: App) -> None:
    root = await a_job(app, SMALL)
    below = [await a_job(app, LARGE, parent_id=root) for _ in range(2)]

    page = await app.owner.get(f"/api/v1/jobs/{root}/tree")

    assert len(page.content) < page_bytes_max
    assert [job["id"] for job in page.json()["items"]] == below
    assert [job["args_truncated"] for job in page.json()["items"]] == [True, True]


@pytest.mark.parametrize(("characters", "truncated"), [(2_000, False), (2_001, True)])
async def test_lists_integration_arguments_are_shown_up_to_their_limit(
    app: App, characters: int, *, truncated: bool
) -> None:
    args = {"log": "ø" * (characters - len('{"log":""}'))}
    await a_job(app, args)

    (job,) = (await app.owner.get("/api/v1/jobs")).json()["items"]

    assert job["args"] == (None if truncated else args)
    assert job["args_truncated"] is truncated
