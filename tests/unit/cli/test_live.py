"""The live connection against a WebSocket server that plays the other side."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.sync.server import ServerConnection, serve

from tidemill.cli.client import Client
from tidemill.cli.failures import AnsweredWithError, ServerUnreachable
from tidemill.cli.live import SUBPROTOCOL, follow

Play = Callable[[ServerConnection], None]


@contextmanager
def _playing(play: Play) -> Iterator[Client]:
    with serve(play, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.socket.getsockname()[1]
        yield Client(f"http://127.0.0.1:{port}", token="tmk_test")
        server.shutdown()
        thread.join()


def _frame(seq: int, *facts: int) -> str:
    messages = [{"header": {"seq": number}, "fact": {"data": {}}} for number in facts]
    return json.dumps({"batch": {"messages": messages}, "through_seq": seq, "stream_epoch": "e1"})


def _seqs(messages: list[dict[str, Any]]) -> list[int]:
    return [message["header"]["seq"] for message in messages if "header" in message]


def test_follow_resumes_after_a_broken_connection_where_it_was() -> None:
    asked: list[dict[str, Any]] = []

    def play(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.headers["Authorization"] == "Bearer tmk_test"
        asked.append(json.loads(connection.recv())["subscribe"])
        if len(asked) == 1:
            connection.send(_frame(2, 1, 2))
            return  # The connection closes.
        connection.send(json.dumps({"subscribed": {}, "through_seq": 2, "stream_epoch": "e1"}))
        connection.send(_frame(4, 3, 4))
        connection.recv()

    with _playing(play) as client:
        stream = follow(client, ["tenant"])
        seen: list[dict[str, Any]] = []
        while len(_seqs(seen)) < 4:
            seen.append(next(stream))

    assert _seqs(seen) == [1, 2, 3, 4]
    assert seen[-3] == {"connection": "subscribed"}
    assert asked[0] == {"topics": ["tenant"]}
    assert asked[1] == {"topics": ["tenant"], "since": 2, "stream_epoch": "e1"}


def test_follow_subscribes_again_when_it_was_too_slow() -> None:
    """A server sends nothing more on a connection that lagged, until it is asked to."""
    asked: list[dict[str, Any]] = []

    def play(connection: ServerConnection) -> None:
        asked.append(json.loads(connection.recv())["subscribe"])
        connection.send(json.dumps({"lagged": {}, "through_seq": 2, "stream_epoch": "e1"}))
        asked.append(json.loads(connection.recv(timeout=60))["subscribe"])
        connection.send(_frame(4, 3, 4))
        connection.recv()

    with _playing(play) as client:
        stream = follow(client, ["tenant"])
        seen = [next(stream) for _ in range(4)]

    assert seen[:2] == [{"connection": "open"}, {"connection": "lagged"}]
    assert _seqs(seen[2:]) == [3, 4]
    assert asked[1] == {"topics": ["tenant"], "since": 2, "stream_epoch": "e1"}


def test_follow_ends_when_it_is_forbidden() -> None:
    def play(connection: ServerConnection) -> None:
        connection.recv()
        connection.close(4403, "no")

    with _playing(play) as client:
        stream = follow(client, ["tenant"])
        assert next(stream) == {"connection": "open"}
        with pytest.raises(AnsweredWithError, match="may not"):
            next(stream)


def test_follow_that_is_left_does_not_wait_for_a_silent_server() -> None:
    release = Event()

    def silent(server: socket.socket) -> None:
        accepted, _ = server.accept()
        with accepted:
            protocol = ServerProtocol(subprotocols=[SUBPROTOCOL])
            protocol.receive_data(accepted.recv(64 * 1024))
            (request,) = protocol.events_received()
            assert isinstance(request, Request)
            protocol.send_response(protocol.accept(request))
            accepted.sendall(b"".join(protocol.data_to_send()))
            release.wait(60)  # It neither reads nor answers any more.

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=silent, args=(server,), daemon=True)
        thread.start()
        client = Client(f"http://127.0.0.1:{server.getsockname()[1]}", token="tmk_test")
        stream = follow(client, ["tenant"])
        assert next(stream) == {"connection": "open"}

        leaving = Thread(target=stream.close, daemon=True)  # type: ignore[attr-defined]
        leaving.start()
        leaving.join(30)  # The server goes on for a minute.

        assert not leaving.is_alive()
        release.set()
        thread.join(60)


def test_follow_says_when_there_is_no_server() -> None:
    with pytest.raises(ServerUnreachable, match=r"127.0.0.1:9 \(connection refused\)"):
        next(follow(Client("http://127.0.0.1:9", token="tmk_test"), ["tenant"]))
