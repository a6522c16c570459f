"""Frames from clients."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from msgspec import Struct

from tidemill.core.facts import Topic
from tidemill.events.errors import InvalidMessage, InvalidTopic, UnsupportedMessage
from tidemill.events.wire.v1 import messages_pb2 as pb

topics_per_message_max: Final = 1_000
_TOPIC: Final = re.compile(r"tenant|[a-z][a-z0-9-]{0,31}:[A-Za-z0-9_.:-]{1,128}")


class Incoming(Struct, frozen=True, kw_only=True):
    """What a client asks for or says: `ping`, `subscribe`, `unsubscribe` or `presence`."""

    name: str
    message_id: str = ""
    timestamp: int = 0
    topics: tuple[Topic, ...] = ()
    typing: tuple[Topic, ...] = ()
    since: int | None = None
    epoch: str | None = None


def read_frame(frame: bytes | str) -> Incoming:
    """Return what a binary (protobuf) or text (JSON) frame asks for.

    Raises `InvalidMessage`, `InvalidTopic` and `UnsupportedMessage`; the connection lives on.
    """
    message = _from_json(frame) if isinstance(frame, str) else _from_protobuf(frame)
    name = message.WhichOneof("payload")
    if name is None:
        raise InvalidMessage("it has no payload that this server knows")
    if name == "ping":
        return Incoming(name=name, message_id=message.message_id, timestamp=message.ping.timestamp)
    if name == "subscribe":
        return Incoming(
            name=name,
            message_id=message.message_id,
            topics=_topics(message.subscribe),
            since=message.subscribe.since if message.subscribe.HasField("since") else None,
            epoch=message.subscribe.stream_epoch or None,
        )
    if name == "unsubscribe":
        return Incoming(
            name=name, message_id=message.message_id, topics=_topics(message.unsubscribe)
        )
    if name == "presence":
        return Incoming(
            name=name,
            message_id=message.message_id,
            topics=check_topics([*message.presence.topics]),
            typing=check_topics([*message.presence.typing]),
        )
    raise UnsupportedMessage(name)


def check_topics(topics: list[str]) -> tuple[Topic, ...]:
    """Return `topics` as such. Raises `InvalidTopic`."""
    if len(topics) > topics_per_message_max:
        raise InvalidTopic(f"At most {topics_per_message_max} topics at once.")
    for topic in topics:
        if not _TOPIC.fullmatch(topic):
            raise InvalidTopic(f"{topic[:80]!r} is no topic.")
    return tuple(Topic(topic) for topic in topics)


def _topics(request: pb.Subscribe | pb.Unsubscribe) -> tuple[Topic, ...]:
    return check_topics(
        [
            *(f"project:{id_}" for id_ in request.project_ids),
            *(f"sprint:{id_}" for id_ in request.sprint_ids),
            *request.topics,
        ]
    )


def _from_protobuf(frame: bytes) -> pb.WebSocketMessage:
    try:
        return pb.WebSocketMessage.FromString(frame)
    except DecodeError as error:
        raise InvalidMessage("it is not a WebSocketMessage") from error


def _from_json(frame: str) -> pb.WebSocketMessage:
    message = pb.WebSocketMessage()
    try:
        ParseDict(msgspec.json.decode(frame, type=dict), message, ignore_unknown_fields=True)
    except (msgspec.DecodeError, ParseError, RecursionError) as error:
        raise InvalidMessage(str(error)[:200].rstrip(".")) from error
    return message
