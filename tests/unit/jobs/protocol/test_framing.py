from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.protocol.errors import ProtocolViolation
from tidemill.jobs.protocol.framing import FrameParser, Received, frames_of, message_bytes_max
from tidemill.jobs.protocol.messages import Channel, frame_bytes_max

channels = st.sampled_from(list(Channel))
payloads = st.one_of(
    st.binary(max_size=200),
    st.integers(frame_bytes_max - 2, 2 * frame_bytes_max + 2).map(lambda size: b"x" * size),
)


@given(
    messages=st.lists(st.tuples(channels, payloads), max_size=6),
    cuts=st.lists(st.integers(1, 300_000), max_size=40),
    data=st.data(),
)
def test_feed_returns_every_message_however_frames_interleave_and_bytes_are_cut(
    messages: list[tuple[Channel, bytes]], cuts: list[int], data: st.DataObject
) -> None:
    queues = {
        channel: [
            frame for c, payload in messages if c is channel for frame in frames_of(c, payload)
        ]
        for channel in Channel
    }
    stream = b""
    while any(queues.values()):
        channel = data.draw(st.sampled_from([c for c in Channel if queues[c]]))
        stream += queues[channel].pop(0)

    parser = FrameParser()
    received: list[Received] = []
    for size in cuts:
        received += parser.feed(stream[:size])
        stream = stream[size:]
    received += parser.feed(stream)

    for channel in Channel:
        sent = [payload for c, payload in messages if c is channel]
        assert [r.payload for r in received if r.channel is channel] == sent
    assert parser.is_between_messages


@given(garbage=st.binary(max_size=2000))
def test_feed_of_any_bytes_returns_messages_or_refuses(garbage: bytes) -> None:
    parser = FrameParser()
    try:
        for message in parser.feed(garbage):
            assert message.frames >= 1
    except ProtocolViolation:
        return


@pytest.mark.parametrize(
    "header",
    [
        (frame_bytes_max + 1).to_bytes(4, "big") + b"\x00\x00",
        b"\x00\x00\x00\x01\x07\x00",
        b"\x00\x00\x00\x01\x00\x02",
        b"\x00\x00\x00\x00\x00\x01",
    ],
    ids=["too long", "unknown channel", "unknown flag", "empty and more"],
)
def test_feed_refuses_a_header_that_breaks_the_rules(header: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        FrameParser().feed(header + b"x")


def test_feed_refuses_a_message_that_never_ends() -> None:
    parser = FrameParser()
    frame = frame_bytes_max.to_bytes(4, "big") + b"\x00\x01" + bytes(frame_bytes_max)

    for _ in range(message_bytes_max // frame_bytes_max):
        assert parser.feed(frame) == []

    with pytest.raises(ProtocolViolation):
        parser.feed(frame)


def test_frames_of_refuses_what_the_other_side_would_refuse() -> None:
    with pytest.raises(ValueError, match="over the limit"):
        frames_of(Channel.CONTROL, bytes(message_bytes_max + 1))
