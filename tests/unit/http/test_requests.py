"""Bodies of requests, in one piece and in many."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from litestar import Litestar, post
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from tidemill.http.requests import BodyTooSlow, PlainRequest

pytestmark = pytest.mark.anyio
bytes_max = 10


@post("/", request_max_body_size=bytes_max)
async def take() -> None:
    """Stand for the route that is asked."""


def a_request(*pieces: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> PlainRequest:
    left = list(pieces)

    async def receive() -> Any:
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    return a_request_from(receive, headers)


def a_request_from(receive: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> PlainRequest:
    app = Litestar([take])
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


@pytest.mark.parametrize("came", [0, 1])
async def test_a_body_that_stops_coming_is_refused(
    came: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.http.requests.body_seconds_max", 0.01)
    parts = [{"type": "http.request", "body": b"x", "more_body": True}] * came

    async def receive() -> Any:
        return parts.pop() if parts else await asyncio.Event().wait()

    with pytest.raises(BodyTooSlow):
        await a_request_from(receive).body()


async def test_a_body_that_drips_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidemill.http.requests.body_seconds_max", 0.05)

    async def receive() -> Any:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b"", "more_body": True}

    with pytest.raises(BodyTooSlow):
        await a_request_from(receive).body()


async def test_a_body_that_is_there_is_never_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidemill.http.requests.body_seconds_max", 0.0)

    assert await a_request(b"who", b"le").body() == b"whole"


async def test_what_is_received_after_the_body_has_no_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidemill.http.requests.body_seconds_max", 0.0)
    parts = [{"type": "http.request", "body": b"x", "more_body": more} for more in (False, True)]

    async def receive() -> Any:
        if parts:
            return parts.pop()
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    request = a_request_from(receive)

    assert await request.body() == b"xx"
    assert (await request.receive())["type"] == "http.disconnect"
