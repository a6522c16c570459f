"""`/ws`: the live protocol over a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final, cast

import structlog
from litestar.connection import WebSocket
from litestar.exceptions import WebSocketDisconnect, WebSocketException

from tidemill.core.actor import Actor
from tidemill.core.authorization import authorize
from tidemill.core.errors import Forbidden, RateLimited, TidemillError, Unauthenticated
from tidemill.events.contract import READ_EVENTS
from tidemill.events.errors import TicketRefused
from tidemill.events.live.connection import TRY_LATER, UNREAD, Connection
from tidemill.events.live.hub import FORBIDDEN, UNAUTHENTICATED, Hub
from tidemill.events.live.positions import read_position, read_topics
from tidemill.events.live.replays import Replays
from tidemill.events.tickets.service import Tickets
from tidemill.events.wire import Format, Incoming, read_frame
from tidemill.http.authentication import SERVICES, Kit, authenticate, check_origin
from tidemill.http.injection import DEPENDENCIES
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
    format_ = _format_of(socket)
    # Accepted before the credential is looked at: only then can a browser be told why it ends.
    await socket.accept(subprotocols=format_.value or None)
    try:
        actor = await _actor_of(socket, tickets)
        async with hub.connected(actor, format_) as connection:
            await _serve(socket, hub, connection)
            end = connection.closed
        await _close(socket, end.code if end else NORMAL, end.reason if end else "")
    except TidemillError as error:
        await _close(socket, _close_code(error), error.code)


ROUTES: Final = (live,)


async def _serve(socket: Socket, hub: Hub, connection: Connection) -> None:
    """Read and write at once; whichever ends first ends both."""
    hub.greet(connection)
    tasks = {
        asyncio.create_task(_write(socket, connection)),
        asyncio.create_task(_read(socket, hub, connection)),
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


async def _write(socket: Socket, connection: Connection) -> None:
    as_text = connection.format is Format.JSON
    while frames := await connection.next_frames():
        for frame in frames:
            try:
                async with asyncio.timeout(send_seconds_max):
                    if as_text:
                        await socket.send_text(frame.decode())
                    else:
                        await socket.send_bytes(frame)
            except TimeoutError:
                connection.close(TRY_LATER, UNREAD)
                return


async def _read(socket: Socket, hub: Hub, connection: Connection) -> None:
    replays = _replays_of(socket)
    await _subscribe_by_address(socket, hub, connection)
    while True:
        message = cast("dict[str, Any]", await socket.receive())
        if message["type"] == "websocket.disconnect":
            return
        frame = message.get("text") if message.get("bytes") is None else message["bytes"]
        if len(frame or b"") > frame_bytes_max:
            connection.close(TOO_BIG, "frames have at most 1 MiB")
            return
        try:
            await _handle(hub, replays, connection, read_frame(frame or b""))
        except TidemillError as error:
            hub.reject(connection, error)


async def _subscribe_by_address(socket: Socket, hub: Hub, connection: Connection) -> None:
    replays = _replays_of(socket)
    query = socket.query_params
    try:
        topics = read_topics(query.getall("topics", []))
        since, epoch = read_position(query.get("since"))
        if topics:
            await replays.admit(connection.actor, since)
            await hub.subscribe(connection, topics, since=since, epoch=epoch)
    except TidemillError as error:
        hub.reject(connection, error)


async def _handle(hub: Hub, replays: Replays, connection: Connection, incoming: Incoming) -> None:
    if incoming.name == "subscribe":
        await replays.admit(connection.actor, incoming.since)
        await hub.subscribe(
            connection,
            incoming.topics,
            since=incoming.since,
            epoch=incoming.epoch,
            reply_to=incoming.message_id,
        )
    elif incoming.name == "unsubscribe":
        hub.unsubscribe(connection, incoming.topics)
    else:
        hub.pong(connection, incoming.message_id, incoming.timestamp)


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


def _replays_of(socket: Socket) -> Replays:
    return cast("Replays", socket.app.state[DEPENDENCIES]["replays"])


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
