from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Response, get
from litestar.connection import Request
from litestar.datastructures import Cookie
from litestar.params import FromQuery

from tidemill.http.answers import Answer
from tidemill.http.bodies import View, composed, single

pytestmark = pytest.mark.anyio


class _Thing(View, frozen=True, kw_only=True):
    name: str


THING = _Thing(name="Größe")
_PLAIN: dict[str, Any] = {"headers": {"X-Note": "n", "ETag": '"v1"'}, "status_code": 202}
_WITH_COOKIE: dict[str, Any] = {"cookies": [Cookie(key="a", value="b")]}


@get("/ours/plain")
async def ours_plain() -> Response[_Thing]:
    return Answer(THING, **_PLAIN)


@get("/theirs/plain")
async def theirs_plain() -> Response[_Thing]:
    return Response(THING, **_PLAIN)


@get("/ours/cookie")
async def ours_cookie() -> Response[_Thing]:
    return Answer(THING, **_WITH_COOKIE)


@get("/theirs/cookie")
async def theirs_cookie() -> Response[_Thing]:
    return Response(THING, **_WITH_COOKIE)


@get("/ours/value")
async def ours_value() -> _Thing:
    return THING


@get("/theirs/value", response_class=Response)
async def theirs_value() -> _Thing:
    return THING


@get("/ours/text", media_type="text/plain")
async def ours_text() -> str:
    return "OK"


@get("/theirs/text", media_type="text/plain", response_class=Response)
async def theirs_text() -> str:
    return "OK"


@get("/ours/empty", status_code=204)
async def ours_empty() -> None:
    return None


@get("/theirs/empty", status_code=204, response_class=Response)
async def theirs_empty() -> None:
    return None


@get("/single")
async def one(request: Request[Any, Any, Any]) -> Response[_Thing]:
    return single(THING, version=3, request=request)


@get("/composed")
async def shown(request: Request[Any, Any, Any], name: FromQuery[str]) -> Response[_Thing]:
    return composed(_Thing(name=name), version=3, request=request)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    pairs = (ours_plain, theirs_plain, ours_cookie, theirs_cookie, ours_value, theirs_value)
    app = Litestar(
        [*pairs, ours_text, theirs_text, ours_empty, theirs_empty, one, shown],
        response_class=Answer,
        openapi_config=None,
    )
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # its own Scope type
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("kind", ["plain", "cookie", "value", "text", "empty"])
async def test_answer_is_what_litestar_would_answer(kind: str, client: httpx.AsyncClient) -> None:
    ours, theirs = await client.get(f"/ours/{kind}"), await client.get(f"/theirs/{kind}")

    assert ours.status_code == theirs.status_code
    assert ours.headers.multi_items() == theirs.headers.multi_items()
    assert ours.content == theirs.content


async def test_answer_to_a_known_version_has_no_body(client: httpx.AsyncClient) -> None:
    known = await client.get("/single", headers={"If-None-Match": '"v3"'})

    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"v3"')


async def test_answer_of_other_content_is_no_known_one(client: httpx.AsyncClient) -> None:
    first = await client.get("/composed", params={"name": "a"})
    known = {"If-None-Match": first.headers["etag"]}
    same = await client.get("/composed", params={"name": "a"}, headers=known)
    other = await client.get("/composed", params={"name": "b"}, headers=known)

    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert first.headers["etag"].startswith('"v3.')
