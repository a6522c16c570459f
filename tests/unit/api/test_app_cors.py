"""What pages of other sites may ask for, and may read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fixtures.app import make_app
from tidemill.core.config.sections.serving import Cors

pytestmark = pytest.mark.anyio

LISTED = {"Origin": "https://board.example"}
OTHER = {"Origin": "https://evil.example"}


@pytest.fixture(scope="module")
async def client(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[httpx.AsyncClient]:
    async with make_app(
        tmp_path_factory.mktemp("cors"), cors=Cors(origins=(LISTED["Origin"],))
    ) as app:
        yield app.anonymous


async def test_cors_answers_listed_origins_only(client: httpx.AsyncClient) -> None:  # D2, R071
    listed = await client.get("/health", headers=LISTED)
    other = await client.get("/health", headers=OTHER)

    assert listed.headers["access-control-allow-origin"] == LISTED["Origin"]
    assert "access-control-allow-origin" not in other.headers
    exposed = set(listed.headers["access-control-expose-headers"].split(", "))
    assert {"etag", "retry-after", "ratelimit-remaining", "x-request-id"} <= exposed


async def test_cors_lets_listed_origins_read_what_is_refused_before_routing(
    client: httpx.AsyncClient,
) -> None:
    names = ("access-control-allow-origin", "access-control-expose-headers", "vary")
    too_long = {"Content-Length": str(10**9)}
    routed = await client.get("/health", headers=LISTED)

    refused = await client.post("/api/v1/jobs", headers={**LISTED, **too_long})
    other = await client.post("/api/v1/jobs", headers={**OTHER, **too_long})

    assert refused.status_code == other.status_code == 413
    assert [refused.headers[name] for name in names] == [routed.headers[name] for name in names]
    assert "access-control-allow-origin" not in other.headers


async def test_cors_lets_listed_origins_write_with_the_headers_of_writes(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.options(
        "/api/v1/jobs",
        headers={
            **LISTED,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,content-type,if-match,idempotency-key",
        },
    )

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == LISTED["Origin"]
    assert "PATCH" in answer.headers["access-control-allow-methods"]
