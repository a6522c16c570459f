"""The shorter way to a client: frames that are written where they are pushed."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.events.world import a_user
from tidemill.core.ids import TenantId
from tidemill.events.live.connection import Connection, Limits
from tidemill.events.wire import Format

pytestmark = pytest.mark.anyio


class Wire:
    """Takes frames at once while it is free."""

    def __init__(self) -> None:
        self.is_free = True
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> bool:
        if self.is_free:
            self.frames.append(frame)
        return self.is_free


class Sender:
    """The task of a connection, which sends when it is told to go on."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self._connection = connection
        self._wire = wire

    async def run(self) -> None:
        while frames := await self._connection.next_frames():
            await self.may_go_on.wait()
            self._wire.frames.extend(frames)


def a_connection(wire: Wire, *, queued_frames_max: int = 8) -> Connection:
    limits = Limits(queued_frames_max=queued_frames_max)
    return Connection("c", a_user(TenantId("t")), Format.JSON, limits, wire.write)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_push_writes_at_once_while_the_sender_waits() -> None:
    wire = Wire()
    connection = a_connection(wire)
    sending = asyncio.create_task(Sender(connection, wire).run())
    await turns()

    connection.push(b"1", 1, "e")

    assert wire.frames == [b"1"]
    assert connection.delivered_seq == connection.reached_seq == 1
    connection.close(1000, "")
    await sending


async def test_push_overtakes_no_frame_that_is_being_sent() -> None:
    wire = Wire()
    connection = a_connection(wire)
    sender = Sender(connection, wire)
    sending = asyncio.create_task(sender.run())
    await turns()
    wire.is_free = False
    connection.push(b"1", 1, "e")
    sender.may_go_on.clear()
    await turns()  # The first frame is in the sender's hand now.
    wire.is_free = True

    connection.push(b"2", 2, "e")
    connection.push(b"3", 3, "e")
    assert wire.frames == []
    sender.may_go_on.set()
    await turns()
    connection.push(b"4", 4, "e")

    assert wire.frames == [b"1", b"2", b"3", b"4"]
    connection.close(1000, "")
    await sending


async def test_push_overtakes_no_answer_that_waits() -> None:
    wire = Wire()
    connection = a_connection(wire)
    sending = asyncio.create_task(Sender(connection, wire).run())
    await turns()

    connection.reply(b"answer")
    connection.push(b"1", 1, "e")
    await turns()

    assert wire.frames == [b"answer", b"1"]
    connection.close(1000, "")
    await sending


async def test_push_to_a_wire_that_is_never_free_ends_in_lagged() -> None:
    wire = Wire()
    connection = a_connection(wire, queued_frames_max=2)
    wire.is_free = False

    for seq in range(1, 5):
        connection.push(b"%d" % seq, seq, "e")

    assert connection.is_lagged
    (lagged,) = await connection.next_frames()
    assert b'"from_seq":0' in lagged
