"""One HTTP request within its time, whatever the other end does."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tidemill.jobs.execution.isolation.inside.addresses import Guard
from tidemill.jobs.execution.isolation.inside.request import Exchange, Request

HEAD = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 40 + b"\r\nContent-Length: 40\r\n\r\n"
BODY = b"y" * 40


@contextmanager
def answering(
    head_pause: float, body_pause: float, *, head: bytes = HEAD, body: bytes = BODY
) -> Iterator[tuple[str, bytearray]]:
    """Answer one request byte by byte, with a pause before each; give address and what was said."""
    said = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            plug, _ = door.accept()
            with plug:
                plug.recv(65536)
                try:
                    for part, pause in ((head, head_pause), (body, body_pause)):
                        for byte in part:
                            time.sleep(pause)
                            plug.sendall(bytes([byte]))
                            said.append(byte)
                except OSError:
                    """Nobody waits for the rest."""

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}/tides", said
        thread.join()


def ask(url: str, timeout_seconds: float) -> dict[str, Any]:
    settings = {
        "request": {"timeout_seconds": timeout_seconds, "redirects_max": 0},
        "body_bytes_max": 1024,
    }
    return Exchange(Guard(["127.0.0.1"]), settings).ask(Request("GET", url, {}))


@pytest.mark.parametrize(
    ("head_pause", "body_pause", "whole"),
    [(0.05, 0.0, HEAD), (0.0, 0.05, HEAD + BODY)],
    ids=["head", "body"],
)
def test_ask_gives_up_who_says_a_little_all_the_time(
    head_pause: float, body_pause: float, whole: bytes
) -> None:
    with (
        answering(head_pause, body_pause) as (url, said),
        pytest.raises(TimeoutError, match="longer than its limit"),
    ):
        ask(url, 0.5)

    assert len(said) < len(whole), "it waited for all of it"


def test_ask_reads_an_answer_that_comes_in_pieces() -> None:
    with answering(0.001, 0.001) as (url, _):
        answer = ask(url, 60)

    assert (answer["status"], answer["body"]) == (200, BODY.decode())


_PACKED = gzip.compress(BODY)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 40", BODY[:39]),
        (b"Content-Encoding: gzip", _PACKED[:-9]),
        (b"Transfer-Encoding: chunked", b"28\r\n" + BODY[:39]),
    ],
    ids=["length", "gzip", "chunked"],
)
def test_ask_takes_no_part_of_an_answer_for_the_whole(head: bytes, body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n"

    with (
        answering(0.0, 0.0, head=head, body=body) as (url, _),
        pytest.raises(OSError, match="IncompleteRead"),
    ):
        ask(url, 60)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Encoding: gzip", _PACKED),
        (b"X-Long: y", BODY),
        (b"Transfer-Encoding: chunked", b"28\r\n" + BODY + b"\r\n0\r\n\r\n"),
    ],
    ids=["gzip", "until it closes", "chunked"],
)
def test_ask_takes_an_answer_whose_length_nobody_says(head: bytes, body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n"

    with answering(0.0, 0.0, head=head, body=body) as (url, _):
        answer = ask(url, 60)

    assert answer["body"] == BODY.decode()
