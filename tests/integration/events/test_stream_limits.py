"""One user cannot take all open streams, nor read the past again and again."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.fixtures.client import Client, log_in
from tests.fixtures.follower import SUBPROTOCOL
from tests.fixtures.server import Server

wait_seconds_max = 60


@pytest.fixture(scope="module")
def owner() -> Iterator[Client]:
    settings = {"events.connections_per_actor_max": "2", "events.replays_per_minute": "1"}
    with Server(settings=settings) as server, log_in(server.url) as client:
        yield client


def test_stream_limits_integration_close_what_is_too_many_with_4429(owner: Client) -> None:
    with _let_in(owner), _let_in(owner):
        with _connected(owner) as three, pytest.raises(ConnectionClosed) as closed:
            _frame(three)
        refused = _asked(owner, "/api/v1/events")

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4429, "TOO_MANY_STREAMS")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TOO_MANY_STREAMS")
    assert refused.headers["retry-after"] == "5"
    with _let_in(owner):
        pass


def test_stream_limits_integration_let_nobody_read_the_past_all_the_time(owner: Client) -> None:
    with _let_in(owner) as socket:
        socket.send(json.dumps({"subscribe": {"topics": ["tenant"], "since": 0}}))
        assert "subscribed" in _frame(socket)

        socket.send(json.dumps({"subscribe": {"topics": ["tenant"], "since": 0}}))
        error = _first(socket, "error")
        socket.send(json.dumps({"subscribe": {"topics": ["project:1"]}}))
        assert _first(socket, "subscribed")

    refused = _asked(owner, "/api/v1/events?since=0")
    assert error["code"] == "TOO_MANY_REPLAYS"
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TOO_MANY_REPLAYS")


def _asked(client: Client, path: str) -> httpx.Response:
    return httpx.get(f"{client.url}{path}", headers=_headers(client), timeout=wait_seconds_max)


def _headers(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token}"}


def _connected(client: Client) -> ClientConnection:
    return connect(
        f"{client.url.replace('http', 'ws', 1)}/ws",
        subprotocols=[SUBPROTOCOL],
        additional_headers=_headers(client),
        open_timeout=wait_seconds_max,
        proxy=None,
    )


@contextlib.contextmanager
def _let_in(client: Client) -> Iterator[ClientConnection]:
    """Yield a connection that was greeted; the server may count one that has just gone."""
    deadline = time.monotonic() + wait_seconds_max
    while time.monotonic() < deadline:
        with _connected(client) as socket:
            try:
                assert "hello" in _frame(socket)
            except ConnectionClosed:
                continue
            yield socket
            return
    pytest.fail("nobody was let in")


def _frame(socket: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(socket.recv(timeout=wait_seconds_max)))


def _first(socket: ClientConnection, name: str) -> dict[str, Any]:
    while True:
        frame = _frame(socket)
        if name in frame:
            return dict(frame[name])
