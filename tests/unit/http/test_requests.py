"""Bodies of requests, in one piece and in many."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, post
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from tidemill.http.requests import PlainRequest

pytestmark = pytest.mark.anyio
bytes_max = 10


@post("/", request_max_body_size=bytes_max)
async def take() -> None:
    """Stand for the route that is asked."""


def a_request(*pieces: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> PlainRequest:
    app = Litestar([take])
    left = list(pieces)

    async def receive() -> Any:
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    scope: Any = {
        "type": "http",
        "headers": list(headers),
        "litestar_app": app,
        "route_handler": app.routes[0].route_handlers[0],  # type: ignore[union-attr]
    }
    return PlainRequest(scope, receive)


@pytest.mark.parametrize("pieces", [(b"whole",), (b"wh", b"", b"ole"), (b"who", b"le", b"")])
async def test_a_body_is_the_same_however_it_comes(pieces: tuple[bytes, ...]) -> None:
    request = a_request(*pieces)

    assert await request.body() == b"whole"
    assert await request.body() == b"whole"


@pytest.mark.parametrize("pieces", [(b"x" * 11,), (b"x" * 6, b"x" * 5)])
async def test_a_body_beyond_the_limit_is_refused(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(RequestEntityTooLarge):
        await a_request(*pieces).body()


async def test_a_body_of_just_the_limit_is_taken() -> None:
    assert await a_request(b"x" * bytes_max).body() == b"x" * bytes_max


async def test_the_first_of_two_headers_counts() -> None:
    request = a_request(b"", headers=((b"accept", b"a"), (b"accept", b"b")))

    assert request.headers.get("Accept") == "a"
    assert request.headers is request.headers
