"""What a dialect can do: say in OpenAI's chat what it says, and the other way round.

So each dialect needs one translation, not one for each other dialect. Bodies are plain JSON
objects, since what is not known must pass where both sides speak the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from tidemill.core.errors import TidemillError
from tidemill.core.wording import field_of, in_plain_words, missing_in
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.errors import InvalidModelRequest
from tidemill.llm.usage.models import Tokens

Json = dict[str, Any]


class Operation(StrEnum):
    """What a model is asked for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"


class Passing(Protocol):
    """A stream of events on its way to a client."""

    tokens: Tokens | None
    is_counted: bool
    """Whether `tokens` count the whole answer."""
    is_told: bool
    """Whether the client has been shown the end."""
    events: int

    def feed(self, part: bytes) -> bytes:
        """Return what the client gets of the next bytes; raises `StreamFailed`."""
        ...

    def end(self) -> bytes:
        """Return what the client gets at the end."""
        ...


class EventReader(Protocol):
    """Reads a provider's stream."""

    def read(self, part: bytes) -> list[Json]:
        """Return chunks of OpenAI's chat; raises `StreamFailed` for what the provider tells."""
        ...


class EventWriter(Protocol):
    """Writes a client's stream."""

    def write(self, chunks: Sequence[Json]) -> bytes:
        """Return chunks of OpenAI's chat as events of the dialect."""
        ...

    def end(self) -> bytes:
        """Return the events that end the stream."""
        ...


class ClientCodec(Protocol):
    """How clients of a dialect ask and are answered. `dialect` is None where no provider speaks it.

    `stream_type` is the media type of its streams, `error_schema` the form of its errors.
    """

    dialect: Dialect | None
    stream_type: str
    error_schema: type[Struct]

    def check(self, operation: Operation, body: Json) -> None:
        """Raise `InvalidModelRequest` for a body without what every request needs."""
        ...

    def is_stream(self, body: Json) -> bool:
        """Return whether a stream is asked for; raises `InvalidModelRequest`."""
        ...

    def wants_usage(self, body: Json) -> bool:
        """Return whether a stream shall tell what it used."""
        ...

    def with_defaults(self, body: Json, parameters: Json) -> Json:
        """Return a body with an alias's parameters, in OpenAI's names, beneath."""
        ...

    def request_to_chat(self, body: Json) -> Json:
        """Return a client's request as one of OpenAI's; raises `InvalidModelRequest`."""
        ...

    def answer_of_chat(self, answer: Json) -> Json:
        """Return an answer of OpenAI's as a client expects it."""
        ...

    def writer(self, *, hide_usage: bool) -> EventWriter:
        """Return what writes a client's stream."""
        ...

    def error(self, error: TidemillError) -> Json:
        """Return an error as a client expects it."""
        ...

    def error_event(self, error: TidemillError) -> bytes:
        """Return what ends a client's stream that failed."""
        ...


class ProviderCodec(Protocol):
    """How providers of a dialect are asked, and how they answer."""

    def path(self, operation: Operation) -> str:
        """Return what stands behind a provider's address; raises `InvalidModelRequest`."""
        ...

    def headers(self, key: str | None) -> dict[str, str]:
        """Return what a provider is shown beside the body."""
        ...

    def request_of_chat(self, body: Json) -> Json:
        """Return a request of OpenAI's as a provider takes it; raises `InvalidModelRequest`."""
        ...

    def counted(self, body: Json) -> Json:
        """Return a provider's request for a stream, so that it tells what it used."""
        ...

    def answer_to_chat(self, answer: Json, created: int) -> Json:
        """Return a provider's answer as one of OpenAI's, made at `created` seconds."""
        ...

    def tokens_of(self, answer: Json) -> Tokens | None:
        """Return what a provider's answer counts."""
        ...

    def passing(self, *, hide_usage: bool) -> Passing:
        """Return what passes a stream on that client and provider both understand."""
        ...

    def reader(self, created: int) -> EventReader:
        """Return what reads a provider's stream, begun at `created` seconds."""
        ...


class StreamFailed(Exception):
    """A provider tells in mid-stream that it cannot go on."""


def flag_of(body: Json, name: str, *, default: bool) -> bool:
    """Return a flag of a body; raises `InvalidModelRequest`."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidModelRequest(name, f"{name} must be true or false.")
    return value


def check_shape(body: Json, shape: type[Struct]) -> None:
    """Raise `InvalidModelRequest` where a field that is translated has another type.

    Fields that the shape does not know may be anything.
    """
    try:
        msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        missing = missing_in(str(error))
        param = missing or field_of(str(error)) or ""
        said = f"{missing} is missing." if missing else f"{param}: {in_plain_words(str(error))}"
        raise InvalidModelRequest(param, said) from None
