from __future__ import annotations

import asyncio
import io
import os

import pytest

from tidemill.infrastructure.observability.sink import SINK, Sink

pytestmark = pytest.mark.anyio


class _Stream(io.BytesIO):
    """Remembers how much came with each write."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, piece: object) -> int:
        self.pieces.append(bytes(piece))  # type: ignore[call-overload]  # what a sink writes
        return super().write(self.pieces[-1])


async def test_hold_writes_the_lines_of_a_turn_at_once() -> None:
    stream = _Stream()
    sink = Sink(stream)

    for number in range(3):
        sink.hold(b"%d\n" % number)
    before = list(stream.pieces)
    await asyncio.sleep(0)

    assert (before, stream.pieces) == ([], [b"0\n1\n2\n"])


async def test_hold_writes_in_the_next_turn_again() -> None:
    stream = _Stream()
    sink = Sink(stream)

    for number in range(3):
        sink.hold(b"%d\n" % number)
        await asyncio.sleep(0)

    assert stream.pieces == [b"0\n", b"1\n", b"2\n"]


async def test_write_comes_after_what_is_held() -> None:
    stream = _Stream()
    sink = Sink(stream)

    sink.hold(b"request\n")
    sink.write(b"failure\n")

    assert stream.getvalue() == b"request\nfailure\n"


async def test_hold_splits_between_lines_where_a_pipe_would_split() -> None:
    stream = _Stream()
    sink = Sink(stream)
    lines = [b"%d%s\n" % (number, b"x" * 1500) for number in range(5)]

    for line in lines:
        sink.hold(line)
    sink.flush()

    assert stream.getvalue() == b"".join(lines)
    assert all(len(piece) <= 4096 and piece.endswith(b"\n") for piece in stream.pieces)


async def test_hold_keeps_a_bounded_number_of_lines() -> None:
    stream = _Stream()
    sink = Sink(stream)

    for _ in range(1_000):
        sink.hold(b"line\n")

    assert stream.getvalue().count(b"line\n") >= 700


def test_hold_works_on_a_loop_after_one_that_ended_too_early() -> None:
    stream = _Stream()
    sink = Sink(stream)

    async def hold(line: bytes) -> None:
        sink.hold(line)

    early = asyncio.new_event_loop()
    early.call_soon(sink.hold, b"first\n")
    early.call_soon(early.stop)
    early.run_forever()
    early.close()
    asyncio.run(hold(b"second\n"))

    assert stream.getvalue() == b"first\nsecond\n"


async def test_write_survives_a_stream_that_is_closed() -> None:
    stream = io.BytesIO()
    stream.close()
    sink = Sink(stream)

    sink.hold(b"request\n")
    sink.write(b"failure\n")


async def test_a_fork_does_not_write_again_what_was_held(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "wb") as stream:
        monkeypatch.setattr(SINK, "stream", stream)
        SINK.hold(b"request\n")
        child = os.fork()
        if child == 0:
            SINK.flush()
            os._exit(0)
        await asyncio.to_thread(os.waitpid, child, 0)
        SINK.flush()
        stream.close()

        assert reader.read() == b"request\n"
