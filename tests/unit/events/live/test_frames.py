from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.events.live.frames import frame_bytes_max, frames_of
from tidemill.events.wire import Format, encoder_for
from tidemill.events.wire.v1 import messages_pb2 as pb

sizes = st.lists(st.integers(1, frame_bytes_max * 5 // 4), min_size=1, max_size=8)


def an_item(size: int) -> bytes:
    payload = pb.FactMessage(data_json="x" * size)
    return pb.WebSocketMessage(fact=payload).SerializeToString()


@given(sizes)
def test_frames_of_are_bounded_and_say_how_far_they_reach(wanted: list[int]) -> None:
    items = [(an_item(size), seq) for seq, size in enumerate(wanted, start=1)]

    frames = frames_of(encoder_for(Format.PROTOBUF), items, "e")

    told = 0
    for frame, reached in frames:
        message = pb.WebSocketMessage.FromString(frame)
        count = len(message.batch.messages) or 1
        assert count == 1 or len(frame) < frame_bytes_max + 200
        told += count
        assert message.through_seq == reached == told
    assert told == len(wanted)


def test_frames_of_one_message_each_reach_somewhere_with_the_last() -> None:
    items = [(an_item(9), seq) for seq in (4, 5, 6)]

    frames = frames_of(encoder_for(Format.PROTOBUF_SINGLE), items, "e")

    assert [reached for _, reached in frames] == [0, 0, 6]
    messages = [pb.WebSocketMessage.FromString(frame) for frame, _ in frames]
    assert [one.through_seq for one in messages] == [0, 0, 6]


def test_frames_of_nothing_are_none() -> None:
    assert frames_of(encoder_for(Format.JSON), [], "e") == []
