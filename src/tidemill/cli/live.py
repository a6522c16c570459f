"""The live protocol as JSON, over `/ws`: what `tidemill watch` follows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tidemill.cli.client import Client
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ServerUnreachable
from tidemill.cli.http import reason_of

SUBPROTOCOL: Final = Subprotocol("tidemill.json")
heartbeats_missed_seconds: Final = 45.0
reconnect_seconds_max: Final = 10.0
open_seconds_max: Final = 10.0
close_seconds_max: Final = 1.0
"""Who presses Ctrl-C does not wait for a server's farewell that does not come."""
_EXPIRED: Final = frozenset({4401})
_FORBIDDEN: Final = frozenset({4403})


class Position(Struct, kw_only=True):
    """How far a client has seen the stream; it resumes from there."""

    seq: int | None = None
    epoch: str | None = None


def follow(client: Client, topics: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield each fact and update of `topics`, for ever; connections that break are made again.

    A message `{"connection": …}` says that a connection was made, is subscribed, broke, or
    missed something.
    """
    position = Position()
    delay = 0.0
    while True:
        time.sleep(delay)
        try:
            with _open(client) as connection:
                delay = 0.0
                yield {"connection": "open"}
                connection.send(_subscription(topics, position))
                yield from _messages(connection, topics, position)
        except (ConnectionClosed, TimeoutError) as error:
            _refuse_if_final(error, client)
            yield {"connection": "lost", "reason": str(error)}
        except ServerUnreachable as error:
            if position.epoch is None:
                raise  # It never answered: an address that is wrong, most likely.
            yield {"connection": "lost", "reason": error.message}
        delay = min(max(delay * 2, 0.5), reconnect_seconds_max)


def _open(client: Client) -> ClientConnection:
    parts = urlsplit(client.url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    address = urlunsplit(parts._replace(scheme=scheme, path="/ws"))
    try:
        return connect(
            address,
            subprotocols=[SUBPROTOCOL],
            additional_headers={"Authorization": f"Bearer {client.bearer()}"},
            open_timeout=open_seconds_max,
            close_timeout=close_seconds_max,
            proxy=None,
        )
    except InvalidStatus as error:
        raise _refusal(error) from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise ServerUnreachable(client.url, reason_of(error)) from error


def _refusal(error: InvalidStatus) -> CommandFailed:
    try:
        detail = json.loads(error.response.body or b"")["error"]
        message, code = str(detail["message"]), detail.get("code")
    except (ValueError, KeyError, TypeError):
        message, code = f"The server refused the connection: {error}", None
    return AnsweredWithError(error.response.status_code, message, code=code)


def _subscription(topics: Sequence[str], position: Position) -> str:
    wanted: dict[str, Any] = {"topics": list(topics)}
    if position.seq is not None:
        wanted |= {"since": position.seq, "stream_epoch": position.epoch}
    return json.dumps({"subscribe": wanted})


def _messages(
    connection: ClientConnection, topics: Sequence[str], position: Position
) -> Iterator[dict[str, Any]]:
    while True:
        frame = json.loads(connection.recv(timeout=heartbeats_missed_seconds))
        error = frame.get("error")
        if error is not None:
            raise CommandFailed(str(error.get("message")), code=error.get("code"))
        if "lagged" in frame or "resync" in frame:
            yield {"connection": "lagged" if "lagged" in frame else "resync"}
            position.seq, position.epoch = frame.get("through_seq"), frame.get("stream_epoch")
            if "lagged" in frame:
                # Nothing more would come: the server waits to be asked for what followed.
                connection.send(_subscription(topics, position))
            continue
        if "subscribed" in frame:
            yield {"connection": "subscribed"}
        for message in frame.get("batch", {}).get("messages", [frame]):
            if "fact" in message or "ephemeral" in message:
                yield message
        # What a greeting says was told to nobody: nothing is followed yet.
        if "through_seq" in frame and "hello" not in frame:
            position.seq, position.epoch = frame["through_seq"], frame.get("stream_epoch")


def _refuse_if_final(error: Exception, client: Client) -> None:
    code = error.rcvd.code if isinstance(error, ConnectionClosed) and error.rcvd else None
    if code in _FORBIDDEN:
        raise AnsweredWithError(403, "You may not follow this any more.") from error
    if code in _EXPIRED and client.login is None:
        raise AnsweredWithError(401, "The token is not valid any more.") from error
