from __future__ import annotations

import asyncio
import posixpath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.execution.worker.relay import (
    Refused,
    Request,
    check_path,
    has_values,
    read_request,
    secrets_in,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/jobs",
        "/api/v1/items?x=../..",
        "/api/v1/a%20b",
        "/api/v1/auth/me",
        "/api/v1/auth/me?x=1",
        "/api/v1/authors",
    ],
)
def test_check_path_lets_the_api_pass(target: str) -> None:
    check_path(target.encode())


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/auth/login",
        "/api/v1/auth/registrations?token=1",
        "/api/v1/auth%2Fpassword-resets",
        "/api/v1/./auth/login/",
        "/api/v1/a%75th/login",
        "/api/v1/Auth/login",
        "/api/v1/auth/me/../login",
        "/api/v1/auth",
    ],
)
def test_check_path_lets_no_job_use_up_guesses_in_the_workers_name(target: str) -> None:
    with pytest.raises(Refused) as refused:
        check_path(target.encode())

    assert (refused.value.status, refused.value.code) == ("403 Forbidden", "PATH_NOT_ALLOWED")


@given(
    parts=st.lists(
        st.sampled_from(["/", "api", "v1", "..", ".", "%2e", "%2F", "%5c", "\\", "%25", "metrics"]),
        max_size=12,
    )
)
def test_check_path_lets_nothing_pass_that_a_server_could_read_otherwise(parts: list[str]) -> None:
    target = "/api/v1/" + "".join(parts)
    try:
        check_path(target.encode())
    except Refused:
        return
    for reading in (target, unquote(target), unquote(unquote(target))):
        assert posixpath.normpath(reading.replace("\\", "/")).startswith("/api/v1")


async def _read(*pieces: bytes) -> Request:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return await read_request(reader)


async def test_read_request_takes_chunked_bodies_apart() -> None:
    request = await _read(
        b"POST /api/v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )

    assert (request.method, request.target, bytes(request.body)) == (
        b"POST", b"/api/v1/x", b"abcde",
    )  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /x HTTP/1.1\r\nX-Long: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET /x HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ],
    ids=["no http", "two lengths", "long head", "upgrade"],
)
async def test_read_request_refuses_what_could_be_read_two_ways(data: bytes) -> None:
    with pytest.raises(Refused):
        await _read(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"Content-Length: 20000000\r\n\r\n" + b"x" * 11_000_000, "BODY_TOO_LARGE"),
        (b"X: " + b"x" * 40_000 + b"\r\n\r\n", "TOO_LARGE"),
    ],
    ids=["body", "head"],
)
async def test_read_request_tells_a_body_that_is_too_large_as_the_api_does(
    data: bytes, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        await _read(b"POST /api/v1/x HTTP/1.1\r\nHost: a\r\n" + data)

    assert refused.value.code == code


async def test_read_request_ends_with_a_connection_that_was_cut() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await _read(b"GET /api/v1/x HTTP/1.1\r\n")


async def test_read_request_never_mixes_two_requests() -> None:
    one = b"POST /api/v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
    two = b"POST /api/v1/b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n2"

    with pytest.raises(Refused, match="one request"):
        await _read(one + two)


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/variables/value?path=x",
        "/api/v1/resources/value",
        "/api/v1/variables%2Fvalue",
        "/api/v1/variables/./value/",
    ],
)
def test_has_values_knows_the_addresses_of_secrets(target: str) -> None:
    assert has_values(target.encode())
    assert not has_values(b"/api/v1/jobs?x=/api/v1/variables/value")


@pytest.mark.parametrize(
    ("body", "secrets"),
    [(b'{"value": "tide", "secrets": ["tide"]}', ("tide",)), (b'{"error": {}}', ()), (b"<p>", ())],
)
def test_secrets_in_reads_what_an_answer_names(body: bytes, secrets: tuple[str, ...]) -> None:
    half = len(body) // 2
    plain = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]))
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"

    assert secrets_in(plain) == secrets
    assert secrets_in(chunked) == secrets
