"""Frames for clients. Each fact is encoded once for each format, and the bytes are shared."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, Protocol

import msgspec

from tidemill.core.clock import Instant, rfc3339
from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Ephemeral
from tidemill.events.cloud_events import cloud_event
from tidemill.events.wire.mapping import fact_envelope, fill, update_envelope
from tidemill.events.wire.v1 import messages_pb2 as pb


class Format(StrEnum):
    """How a connection wants its frames."""

    PROTOBUF = "tidemill.pb"
    JSON = "tidemill.json"
    # Clients that ask for no subprotocol get one protobuf message in each frame.
    PROTOBUF_SINGLE = ""
    EVENT_STREAM = "text/event-stream"


class Encoder(Protocol):
    """Writes one format. A frame is made of encoded items and says how far it reaches."""

    def fact(self, fact: RecordedFact) -> bytes:
        """Return a fact as an item."""
        ...

    def update(self, update: Ephemeral, at: Instant) -> bytes:
        """Return an ephemeral update as an item."""
        ...

    def frames(self, items: Sequence[bytes], through_seq: int, epoch: str) -> list[bytes]:
        """Return the frames that carry `items`."""
        ...

    def control(
        self, name: str, through_seq: int, epoch: str, *, reply_to: str = "", **fields: Any
    ) -> bytes:
        """Return a frame with one message of the protocol itself, such as `heartbeat`."""
        ...


def encoder_for(format_: Format) -> Encoder:
    """Return the encoder of a format."""
    return _ENCODERS[format_]


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_BATCH: Final = _key(pb.WebSocketMessage.BATCH_FIELD_NUMBER, 2)
_MESSAGES: Final = _key(pb.Batch.MESSAGES_FIELD_NUMBER, 2)
_THROUGH: Final = _key(pb.WebSocketMessage.THROUGH_SEQ_FIELD_NUMBER, 0)
_EPOCH: Final = _key(pb.WebSocketMessage.STREAM_EPOCH_FIELD_NUMBER, 2)


class ProtobufEncoder:
    """Serialised protobuf messages may be joined: fields that follow are merged in."""

    def __init__(self, *, batched: bool) -> None:
        self._batched = batched

    def fact(self, fact: RecordedFact) -> bytes:
        """See `Encoder.fact`."""
        return fact_envelope(fact).SerializeToString()

    def update(self, update: Ephemeral, at: Instant) -> bytes:
        """See `Encoder.update`."""
        return update_envelope(update, at).SerializeToString()

    def frames(self, items: Sequence[bytes], through_seq: int, epoch: str) -> list[bytes]:
        """See `Encoder.frames`."""
        tail = _tail(through_seq, epoch)
        if len(items) == 1:
            return [items[0] + tail]
        if not self._batched:
            # Only the last one reaches as far as all of them together.
            return [*items[:-1], items[-1] + tail]
        body = b"".join(_MESSAGES + _varint(len(item)) + item for item in items)
        return [_BATCH + _varint(len(body)) + body + tail]

    def control(
        self, name: str, through_seq: int, epoch: str, *, reply_to: str = "", **fields: Any
    ) -> bytes:
        """See `Encoder.control`."""
        message = pb.WebSocketMessage(
            message_id=reply_to, through_seq=through_seq, stream_epoch=epoch
        )
        payload = getattr(message, name)
        payload.SetInParent()
        fill(payload, fields)
        return message.SerializeToString()


def _tail(through_seq: int, epoch: str) -> bytes:
    encoded = epoch.encode()
    return _THROUGH + _varint(through_seq) + _EPOCH + _varint(len(encoded)) + encoded


class JsonEncoder:
    """The same envelope as JSON: facts keep their data as it is, and instants are text."""

    def fact(self, fact: RecordedFact) -> bytes:
        """See `Encoder.fact`."""
        return msgspec.json.encode(
            {
                "message_id": fact.id,
                "timestamp": rfc3339(fact.at),
                "header": {
                    "seq": fact.seq,
                    "id": fact.id,
                    "type": fact.type,
                    "feature": fact.feature,
                    "subject": fact.subject,
                    "at": rfc3339(fact.at),
                    "actor": fact.actor,
                    "topics": fact.topics,
                },
                "fact": {"data": fact.data},
            }
        )

    def update(self, update: Ephemeral, at: Instant) -> bytes:
        """See `Encoder.update`."""
        return msgspec.json.encode(
            {
                "timestamp": rfc3339(at),
                "ephemeral": {"type": update.type, "topics": update.topics, "data": update.data},
            }
        )

    def frames(self, items: Sequence[bytes], through_seq: int, epoch: str) -> list[bytes]:
        """See `Encoder.frames`."""
        tail = b',"through_seq":%d,"stream_epoch":"%s"}' % (through_seq, epoch.encode())
        if len(items) == 1:
            return [items[0][:-1] + tail]
        return [b'{"batch":{"messages":[' + b",".join(items) + b"]}" + tail]

    def control(
        self, name: str, through_seq: int, epoch: str, *, reply_to: str = "", **fields: Any
    ) -> bytes:
        """See `Encoder.control`."""
        message: dict[str, Any] = {name: fields}
        if reply_to:
            message["message_id"] = reply_to
        return msgspec.json.encode({**message, "through_seq": through_seq, "stream_epoch": epoch})


class EventStreamEncoder:
    """Server-sent events; `id` is `epoch:seq`, which browsers repeat as `Last-Event-ID`."""

    def fact(self, fact: RecordedFact) -> bytes:
        """See `Encoder.fact`. The fact is in the CloudEvents JSON format."""
        body = msgspec.json.encode(cloud_event(fact))
        return b"id: @EPOCH@:%d\nevent: fact\ndata: %s\n\n" % (fact.seq, body)

    def update(self, update: Ephemeral, at: Instant) -> bytes:
        """See `Encoder.update`."""
        body = msgspec.json.encode(
            {
                "type": update.type,
                "time": rfc3339(at),
                "topics": update.topics,
                "data": update.data,
            }
        )
        return b"event: ephemeral\ndata: %s\n\n" % body

    def frames(self, items: Sequence[bytes], through_seq: int, epoch: str) -> list[bytes]:
        """See `Encoder.frames`."""
        joined = b"".join(
            item.replace(b"@EPOCH@", epoch.encode(), 1) if item.startswith(b"id: @") else item
            for item in items
        )
        return [joined + _position(through_seq, epoch)]

    def control(
        self, name: str, through_seq: int, epoch: str, *, reply_to: str = "", **fields: Any
    ) -> bytes:
        """See `Encoder.control`. Heartbeats are comments that move the last event's id on."""
        del reply_to
        if name == "heartbeat":
            return b": heartbeat\n" + _position(through_seq, epoch)
        body = msgspec.json.encode({**fields, "through_seq": through_seq, "stream_epoch": epoch})
        if name == "hello":
            # Nothing is followed yet: who resumed from here would miss what it had asked for.
            return b"event: hello\ndata: %s\n\n" % body
        return b"id: %s:%d\nevent: %s\ndata: %s\n\n" % (
            epoch.encode(),
            through_seq,
            name.encode(),
            body,
        )


def _position(through_seq: int, epoch: str) -> bytes:
    # An event without data is not dispatched, yet its id becomes the last event's id.
    return b"id: %s:%d\n\n" % (epoch.encode(), through_seq)


_ENCODERS: Final[dict[Format, Encoder]] = {
    Format.PROTOBUF: ProtobufEncoder(batched=True),
    Format.PROTOBUF_SINGLE: ProtobufEncoder(batched=False),
    Format.JSON: JsonEncoder(),
    Format.EVENT_STREAM: EventStreamEncoder(),
}
