from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fixtures.app import make_app
from tidemill.core.config.sections.serving import Cors

pytestmark = pytest.mark.anyio

SITE = "https://board.example"


@pytest.fixture(scope="module")
async def client(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[httpx.AsyncClient]:
    async with make_app(tmp_path_factory.mktemp("cors"), cors=Cors(origins=(SITE,))) as app:
        yield app.anonymous


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("OPTIONS", "/api/v1/projects", {"Origin": "https://x.example"}, 400, "PREFLIGHT_REFUSED"),
        (
            "OPTIONS",
            "/api/v1/projects",
            {"Origin": SITE, "Access-Control-Request-Headers": "x-evil"},
            400,
            "PREFLIGHT_REFUSED",
        ),
        ("GET", "/api/docs/nowhere", {}, 404, "ROUTE_NOT_FOUND"),
        ("GET", "/api/docs/assets/nowhere.js", {}, 404, "ROUTE_NOT_FOUND"),
    ],
)
async def test_refusals_of_the_framework_have_the_one_format(  # S9
    client: httpx.AsyncClient,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await client.request(method, path, headers=headers)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert set(error) == {"message", "type", "code", "param"}
    assert answer.headers["x-request-id"]
    assert "access-control-allow-origin" not in answer.headers


async def test_what_the_framework_allows_passes_as_it_is(client: httpx.AsyncClient) -> None:
    asked = {"Origin": SITE, "Access-Control-Request-Method": "PATCH"}

    preflight = await client.options("/api/v1/projects", headers=asked)
    page = await client.get("/api/docs/swagger")

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == SITE
    assert page.headers["content-type"].startswith("text/html")
