from __future__ import annotations

import msgspec
import pytest

from tests.unit.events.wire.test_mapping import a_fact
from tidemill.core.clock import Instant
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.events.wire import Format, encoder_for
from tidemill.events.wire.v1 import messages_pb2 as pb

UPDATE = Ephemeral(
    tenant_id=TenantId("t"), topics=(Topic("job:1"),), type="JobLog", data=msgspec.Raw(b'{"n":1}')
)


def facts(*seqs: int) -> list[bytes]:
    encoder = encoder_for(Format.PROTOBUF)
    return [encoder.fact(a_fact("Happened", {"n": seq}, seq=seq)) for seq in seqs]


def test_frames_of_protobuf_hold_a_single_fact_at_the_top() -> None:
    (frame,) = encoder_for(Format.PROTOBUF).frames(facts(300), 301, "epoch")

    message = pb.WebSocketMessage.FromString(frame)
    assert (message.WhichOneof("payload"), message.header.seq) == ("fact", 300)
    assert (message.through_seq, message.stream_epoch) == (301, "epoch")


def test_frames_of_protobuf_batch_several_facts() -> None:
    (frame,) = encoder_for(Format.PROTOBUF).frames(facts(*range(1, 200)), 70_000, "e")

    message = pb.WebSocketMessage.FromString(frame)
    assert [one.header.seq for one in message.batch.messages] == list(range(1, 200))
    assert message.through_seq == 70_000


def test_frames_without_a_subprotocol_hold_one_message_each() -> None:
    frames = encoder_for(Format.PROTOBUF_SINGLE).frames(facts(1, 2, 3), 3, "e")

    messages = [pb.WebSocketMessage.FromString(frame) for frame in frames]
    assert [one.header.seq for one in messages] == [1, 2, 3]
    assert [one.through_seq for one in messages] == [0, 0, 3]


def test_frames_of_json_are_json_with_the_data_inside() -> None:
    encoder = encoder_for(Format.JSON)
    items = [encoder.fact(a_fact("Happened", {"n": 1})), encoder.update(UPDATE, Instant(5))]

    (single,) = encoder.frames(items[:1], 1, "e")
    (both,) = encoder.frames(items, 2, "e")

    assert msgspec.json.decode(single)["fact"]["data"] == {"n": 1}
    assert msgspec.json.decode(single)["through_seq"] == 1
    messages = msgspec.json.decode(both)["batch"]["messages"]
    assert messages[0]["header"]["type"] == "Happened"
    assert messages[1]["ephemeral"]["data"] == {"n": 1}


def test_frames_of_an_event_stream_carry_positions_as_ids() -> None:
    encoder = encoder_for(Format.EVENT_STREAM)
    nasty = a_fact("Happened", {"text": "id: @EPOCH@:9\n\nevent: forged"}, seq=4)

    (frame,) = encoder.frames([encoder.fact(nasty)], 6, "ep")

    blocks = frame.decode().split("\n\n")
    assert blocks[0].startswith("id: ep:4\nevent: fact\ndata: {")
    assert blocks[1:] == ["id: ep:6", ""]
    event = msgspec.json.decode(blocks[0].partition("data: ")[2])
    assert (event["specversion"], event["sequence"]) == ("1.0", 4)
    assert event["data"]["text"].startswith("id: @EPOCH@")


def test_control_of_an_event_stream_beats_by_comment() -> None:
    frame = encoder_for(Format.EVENT_STREAM).control("heartbeat", 7, "ep")

    assert frame == b": heartbeat\nid: ep:7\n\n"


@pytest.mark.parametrize("format_", [Format.PROTOBUF, Format.PROTOBUF_SINGLE])
def test_control_repeats_the_id_of_what_it_answers(format_: Format) -> None:
    frame = encoder_for(format_).control("pong", 7, "ep", reply_to="m", timestamp=3)

    message = pb.WebSocketMessage.FromString(frame)
    assert (message.message_id, message.pong.timestamp, message.through_seq) == ("m", 3, 7)


def test_greeting_of_an_event_stream_gives_no_position_to_resume_from() -> None:
    frame = encoder_for(Format.EVENT_STREAM).control("hello", 7, "ep", connection_id="c")

    assert b"id: " not in frame
    assert frame.startswith(b"event: hello\ndata: {")


def test_update_with_a_message_of_its_own_travels_as_that_in_protobuf() -> None:
    data = {
        "topic": "work-item:1",
        "people": [{"user_id": "ada", "kind": "user", "typing": True}],
        "count": 3,
    }
    update = Ephemeral(
        tenant_id=TenantId("t"),
        topics=(Topic("work-item:1"),),
        type="PresenceChanged",
        data=msgspec.Raw(msgspec.json.encode(data)),
    )

    binary = encoder_for(Format.PROTOBUF).update(update, Instant(5))
    text = encoder_for(Format.JSON).update(update, Instant(5))

    message = pb.WebSocketMessage.FromString(binary)
    (person,) = message.presence_changed.people
    assert (message.timestamp, message.presence_changed.topic) == (5, "work-item:1")
    assert (person.user_id, person.kind, person.typing) == ("ada", "user", True)
    assert message.presence_changed.count == 3
    assert msgspec.json.decode(text)["ephemeral"]["data"] == data
