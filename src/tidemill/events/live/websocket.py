"""`/ws`: the live protocol over a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, cast

import structlog
from litestar.connection import WebSocket
from litestar.exceptions import WebSocketDisconnect, WebSocketException
from litestar.types import WebSocketSendEvent
from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.authorization import authorize
from tidemill.core.errors import Forbidden, RateLimited, TidemillError, Unauthenticated
from tidemill.events.contract import READ_EVENTS
from tidemill.events.errors import TicketRefused
from tidemill.events.live.connection import TRY_LATER, UNREAD, Connection
from tidemill.events.live.hub import FORBIDDEN, UNAUTHENTICATED, Hub
from tidemill.events.live.positions import read_position, read_topics
from tidemill.events.live.presence.service import Presence
from tidemill.events.live.replays import Replays
from tidemill.events.tickets.service import Tickets
from tidemill.events.wire import Format, Incoming, read_frame
from tidemill.http.authentication import SERVICES, Kit, authenticate, check_origin
from tidemill.http.injection import DEPENDENCIES
from tidemill.http.requests import WRITE_FRAME, FrameWriter
from tidemill.http.routing import Public, websocket

log = structlog.get_logger(__name__)

frame_bytes_max: Final = 1_048_576
send_seconds_max: Final = 30.0
TOO_BIG: Final = 1009
TOO_MANY: Final = 4429
NORMAL: Final = 1000

Socket = WebSocket[Any, Any, Any]


@websocket("/ws", Public(reason="it authenticates by header, cookie or ticket once it is open"))
async def live(socket: WebSocket[Any, Any, Any]) -> None:
    """Deliver facts and updates until either side ends it."""
    services = socket.app.state[DEPENDENCIES]
    hub, tickets = cast("Hub", services["live_hub"]), cast("Tickets", services["tickets"])
    presence = cast("Presence", services["presence"])
    format_ = _format_of(socket)
    # Accepted before the credential is looked at: only then can a browser be told why it ends.
    await socket.accept(subprotocols=format_.value or None)
    try:
        actor = await _actor_of(socket, tickets)
        write = _shorter_way(socket, format_)
        async with hub.connected(actor, format_, write=write) as connection:
            with presence.attended(connection):
                await _serve(socket, _Parts(hub, services["replays"], presence), connection)
            end = connection.closed
        await _close(socket, end.code if end else NORMAL, end.reason if end else "")
    except TidemillError as error:
        await _close(socket, _close_code(error), error.code)


ROUTES: Final = (live,)


class _Parts(Struct, frozen=True):
    hub: Hub
    replays: Replays
    presence: Presence


async def _serve(socket: Socket, parts: _Parts, connection: Connection) -> None:
    """Read and write at once; whichever ends first ends both."""
    parts.hub.greet(connection)
    tasks = {
        asyncio.create_task(_write(socket, connection)),
        asyncio.create_task(_read(socket, parts, connection)),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except (WebSocketException, OSError) as error:
        log.debug("live.connection.broke", reason=repr(error))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _shorter_way(socket: Socket, format_: Format) -> Callable[[bytes], bool] | None:
    """Return what writes frames without a task's turn, where our own server serves the socket."""
    way = cast("FrameWriter | None", (socket.scope.get("extensions") or {}).get(WRITE_FRAME))
    if way is None:
        return None
    return way.text if format_ is Format.JSON else way.binary


async def _write(socket: Socket, connection: Connection) -> None:
    as_text = connection.format is Format.JSON
    loop = asyncio.get_running_loop()
    try:
        while frames := await connection.next_frames():
            async with asyncio.timeout(send_seconds_max) as deadline:
                for index, frame in enumerate(frames):
                    if index:
                        deadline.reschedule(loop.time() + send_seconds_max)
                    await socket.send(_event(frame, as_text=as_text))
    except TimeoutError:
        connection.close(TRY_LATER, UNREAD)


def _event(frame: bytes, *, as_text: bool) -> WebSocketSendEvent:
    # Litestar's own `send_text` and `send_bytes` come to the same, by a longer way.
    return {
        "type": "websocket.send",
        "bytes": None if as_text else frame,
        "text": frame.decode() if as_text else None,
    }


async def _read(socket: Socket, parts: _Parts, connection: Connection) -> None:
    await _subscribe_by_address(socket, parts, connection)
    while True:
        message = cast("dict[str, Any]", await socket.receive())
        if message["type"] == "websocket.disconnect":
            return
        parts.presence.heard(connection)
        frame = message.get("text") if message.get("bytes") is None else message["bytes"]
        if len(frame or b"") > frame_bytes_max:
            connection.close(TOO_BIG, "frames have at most 1 MiB")
            return
        try:
            await _handle(parts, connection, read_frame(frame or b""))
        except TidemillError as error:
            parts.hub.reject(connection, error)


async def _subscribe_by_address(socket: Socket, parts: _Parts, connection: Connection) -> None:
    query = socket.query_params
    try:
        topics = read_topics(query.getall("topics", []))
        since, epoch = read_position(query.get("since"))
        if topics:
            await parts.replays.admit(connection.actor, since)
            await parts.hub.subscribe(connection, topics, since=since, epoch=epoch)
    except TidemillError as error:
        parts.hub.reject(connection, error)


async def _handle(parts: _Parts, connection: Connection, incoming: Incoming) -> None:
    if incoming.name == "subscribe":
        await parts.replays.admit(connection.actor, incoming.since)
        await parts.hub.subscribe(
            connection,
            incoming.topics,
            since=incoming.since,
            epoch=incoming.epoch,
            reply_to=incoming.message_id,
        )
    elif incoming.name == "unsubscribe":
        parts.hub.unsubscribe(connection, incoming.topics)
    elif incoming.name == "presence":
        await parts.hub.place(connection, (*incoming.topics, *incoming.typing))
        parts.presence.declare(connection, incoming.topics, incoming.typing)
    else:
        parts.hub.pong(connection, incoming.message_id, incoming.timestamp)


async def _actor_of(socket: Socket, tickets: Tickets) -> Actor:
    kit = cast("Kit", socket.app.state[SERVICES])
    ticket = socket.query_params.get("ticket")
    if ticket is not None and "authorization" not in socket.headers:
        actor = await tickets.redeem(ticket)
        if not await kit.authenticator.still_valid(actor):
            raise TicketRefused
    else:
        if "authorization" not in socket.headers:
            check_origin(socket.headers, kit)
        actor = await authenticate(socket, kit)
    authorize(actor, READ_EVENTS)
    return actor


def _format_of(socket: Socket) -> Format:
    offered = socket.scope.get("subprotocols") or []
    for format_ in (Format.PROTOBUF, Format.JSON):
        if format_.value in offered:
            return format_
    return Format.PROTOBUF_SINGLE


def _close_code(error: TidemillError) -> int:
    if isinstance(error, Unauthenticated):
        return UNAUTHENTICATED
    if isinstance(error, RateLimited):
        return TOO_MANY
    return FORBIDDEN if isinstance(error, Forbidden) else TRY_LATER


async def _close(socket: Socket, code: int, reason: str) -> None:
    if socket.connection_state == "disconnect":
        return
    with contextlib.suppress(WebSocketException, WebSocketDisconnect, OSError, RuntimeError):
        await socket.close(code=code, reason=reason)
