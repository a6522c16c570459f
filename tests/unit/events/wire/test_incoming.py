from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.errors import TidemillError
from tidemill.events.errors import InvalidMessage, InvalidTopic, UnsupportedMessage
from tidemill.events.wire.incoming import Incoming, check_topics, read_frame
from tidemill.events.wire.v1 import messages_pb2 as pb


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_read_frame_of_anything_is_a_message_or_an_error_with_a_name(frame: bytes | str) -> None:
    """R053."""
    with contextlib.suppress(TidemillError):
        assert isinstance(read_frame(frame), Incoming)


def test_read_frame_reads_both_formats_alike() -> None:
    binary = pb.WebSocketMessage(
        message_id="m",
        subscribe=pb.Subscribe(
            project_ids=["p"], sprint_ids=["s"], topics=["tenant"], since=0, stream_epoch="e"
        ),
    ).SerializeToString()
    text = (
        '{"message_id": "m", "subscribe": {"project_ids": ["p"], "sprint_ids": ["s"],'
        ' "topics": ["tenant"], "since": 0, "stream_epoch": "e"}}'
    )

    assert read_frame(binary) == read_frame(text)
    assert read_frame(binary).topics == ("project:p", "sprint:s", "tenant")
    assert read_frame(binary).since == 0


def test_read_frame_reads_presence_in_both_formats_alike() -> None:
    presence = pb.Presence(topics=["project:p"], typing=["work-item:i"])
    binary = pb.WebSocketMessage(presence=presence).SerializeToString()
    text = '{"presence": {"topics": ["project:p"], "typing": ["work-item:i"]}}'

    assert read_frame(binary) == read_frame(text)
    assert read_frame(binary).topics == ("project:p",)
    assert read_frame(binary).typing == ("work-item:i",)


def test_read_frame_refuses_presence_at_what_is_no_topic() -> None:
    with pytest.raises(InvalidTopic):
        read_frame('{"presence": {"typing": ["nowhere"]}}')


def test_read_frame_without_since_has_none() -> None:
    assert read_frame('{"subscribe": {"topics": ["tenant"]}}').since is None


@pytest.mark.parametrize("frame", ["{}", "[]", "null", '{"subscribe": 7}', b"", "{" * 100_000])
def test_read_frame_refuses_what_is_no_message(frame: bytes | str) -> None:
    with pytest.raises(InvalidMessage):
        read_frame(frame)


def test_read_frame_says_in_one_sentence_what_it_cannot_read() -> None:
    with pytest.raises(InvalidMessage, match=r"Failed to parse timestamp field: .*[^.]\.$"):
        read_frame('{"ping": {"timestamp": "noon"}}')


def test_read_frame_refuses_requests_that_belong_to_http() -> None:
    with pytest.raises(UnsupportedMessage):
        read_frame('{"create_work_item_request": {"title": "x"}}')


@pytest.mark.parametrize("topic", ["", "project", "project:", "Tenant", "a b:c", "x:" + "y" * 200])
def test_check_topics_refuses_what_is_no_topic(topic: str) -> None:
    with pytest.raises(InvalidTopic):
        check_topics([topic])


def test_check_topics_limits_how_many_come_at_once() -> None:
    with pytest.raises(InvalidTopic):
        check_topics(["tenant"] * 1_001)
