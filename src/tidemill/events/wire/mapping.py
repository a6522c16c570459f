"""Facts as messages of the live protocol.

A fact whose name is a payload of the envelope (`WorkItemCreated` → `work_item_created`) travels
as that message; its data has the message's field names. Every other fact is a `FactMessage`. So do
ephemeral updates, the others of which are an `Ephemeral`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tidemill.core.clock import Instant
from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Ephemeral
from tidemill.events.wire.v1 import messages_pb2 as pb

# The two implementations of the library have descriptors of their own.
Field = Any
_WORD_START: Final = re.compile(r"(?<!^)(?=[A-Z])")
_PAYLOADS: Final[frozenset[str]] = frozenset(
    field.name for field in pb.WebSocketMessage.DESCRIPTOR.oneofs_by_name["payload"].fields
)


def fact_envelope(fact: RecordedFact) -> pb.WebSocketMessage:
    """Return the envelope of a fact, without the connection's `through_seq`."""
    header = pb.FactHeader(
        seq=fact.seq,
        id=fact.id,
        type=fact.type,
        feature=fact.feature,
        subject=fact.subject,
        at=fact.at,
        actor_kind=fact.actor.kind,
        actor_id=fact.actor.id,
        actor_user_id=fact.actor.user_id,
        topics=fact.topics,
    )
    message = pb.WebSocketMessage(message_id=fact.id, timestamp=fact.at, header=header)
    name = _payload_of(fact.type)
    if name in _PAYLOADS:
        payload = getattr(message, name)
        payload.SetInParent()
        fill(payload, msgspec.json.decode(fact.data))
    else:
        message.fact.data_json = bytes(fact.data).decode()
    return message


def update_envelope(update: Ephemeral, at: Instant) -> pb.WebSocketMessage:
    """Return the envelope of an ephemeral update, without the connection's `through_seq`."""
    message = pb.WebSocketMessage(timestamp=at)
    name = _payload_of(update.type)
    if name in _PAYLOADS:
        fill(getattr(message, name), msgspec.json.decode(update.data))
    else:
        payload = message.ephemeral
        payload.type = update.type
        payload.topics.extend(update.topics)
        payload.data_json = bytes(update.data).decode()
    return message


def _payload_of(type_: str) -> str:
    return _WORD_START.sub("_", type_).lower()


def fill(message: Message, data: Mapping[str, Any]) -> None:
    """Copy what `message` has a field for; what has none or another type is left out."""
    fields = message.DESCRIPTOR.fields_by_name
    for name, value in data.items():
        field = fields.get(name)
        if field is not None and value is not None:
            _set(message, field, value)


def _set(message: Message, field: Field, value: Any) -> None:
    if field.is_repeated:
        if isinstance(value, list):
            for item in value:
                _add(getattr(message, field.name), field, item)
        elif isinstance(value, Mapping) and _is_map(field):
            _put(getattr(message, field.name), field, value)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        if isinstance(value, Mapping):
            child = getattr(message, field.name)
            child.SetInParent()
            fill(child, value)
    elif (scalar := _scalar(field, value)) is not None:
        setattr(message, field.name, scalar)


def _add(items: Any, field: Field, value: Any) -> None:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        if isinstance(value, Mapping):
            fill(items.add(), value)
    elif (scalar := _scalar(field, value)) is not None:
        items.append(scalar)


def _is_map(field: Field) -> bool:
    entry = field.message_type
    return entry is not None and bool(entry.GetOptions().map_entry)


def _put(entries: Any, field: Field, values: Mapping[str, Any]) -> None:
    of_values = field.message_type.fields_by_name["value"]
    for key, value in values.items():
        if (scalar := _scalar(of_values, value)) is not None:
            entries[key] = scalar


def _scalar(field: Field, value: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _enum_number(field, value)
    if field.type == FieldDescriptor.TYPE_STRING:
        return value if isinstance(value, str) else None
    if field.type == FieldDescriptor.TYPE_BOOL:
        return value if isinstance(value, bool) else None
    return value if isinstance(value, int) else None


def _enum_number(field: Field, value: Any) -> int | None:
    enum = field.enum_type
    if enum is None:
        return None
    numbers = enum.values_by_name
    name = str(value).upper()
    prefix = _WORD_START.sub("_", enum.name).upper()
    found = numbers.get(name) or numbers.get(f"{prefix}_{name}")
    return found.number if found is not None else None
