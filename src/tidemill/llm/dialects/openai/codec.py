"""OpenAI's dialect. Source: https://platform.openai.com/docs/api-reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.core.errors import TidemillError
from tidemill.http.bodies import ErrorBody, ErrorDetail
from tidemill.llm.dialects.codec import Json, Operation, StreamFailed, flag_of
from tidemill.llm.dialects.events import WholeEvents, event_of, objects_of
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.dialects.openai.passing import PassingEvents
from tidemill.llm.errors import InvalidModelRequest
from tidemill.llm.usage.models import Tokens

_PATHS: Final = {
    Operation.CHAT: "/chat/completions",
    Operation.COMPLETION: "/completions",
    Operation.EMBEDDING: "/embeddings",
}
_NEEDED: Final[dict[Operation, tuple[str, tuple[type, ...]]]] = {
    Operation.CHAT: ("messages", (list,)),
    Operation.COMPLETION: ("prompt", (str, list)),
    Operation.EMBEDDING: ("input", (str, list)),
}
_DONE: Final = b"data: [DONE]\n\n"


class OpenAICodec:
    """See `ClientCodec` and `ProviderCodec`."""

    dialect: Dialect | None = Dialect.OPENAI
    stream_type = "text/event-stream"
    error_schema: type[Struct] = ErrorBody

    def path(self, operation: Operation) -> str:
        """See `ProviderCodec.path`."""
        return _PATHS[operation]

    def headers(self, key: str | None) -> dict[str, str]:
        """See `ProviderCodec.headers`."""
        return {} if key is None else {"authorization": f"Bearer {key}"}

    def check(self, operation: Operation, body: Json) -> None:
        """See `ClientCodec.check`."""
        name, kinds = _NEEDED[operation]
        if not isinstance(body.get(name), kinds) or not body[name]:
            wanted = "text or a list" if str in kinds else "a list"
            raise InvalidModelRequest(name, f"{name} must be {wanted} that is not empty.")
        options = body.get("stream_options")
        if options is not None and not isinstance(options, dict):
            raise InvalidModelRequest("stream_options", "stream_options must be an object.")

    def is_stream(self, body: Json) -> bool:
        """See `ClientCodec.is_stream`."""
        return flag_of(body, "stream", default=False)

    def wants_usage(self, body: Json) -> bool:
        """See `ClientCodec.wants_usage`."""
        options = body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    def with_defaults(self, body: Json, parameters: Json) -> Json:
        """See `ClientCodec.with_defaults`."""
        return {**parameters, **body}

    def request_to_chat(self, body: Json) -> Json:
        """See `ClientCodec.request_to_chat`."""
        return body

    def request_of_chat(self, body: Json) -> Json:
        """See `ProviderCodec.request_of_chat`."""
        return self.counted(body) if body.get("stream") else body

    def counted(self, body: Json) -> Json:
        """See `ProviderCodec.counted`."""
        return {**body, "stream_options": {**(body.get("stream_options") or {}), **_COUNTED}}

    def answer_to_chat(self, answer: Json, created: int) -> Json:
        """See `ProviderCodec.answer_to_chat`."""
        del created
        return answer

    def answer_of_chat(self, answer: Json) -> Json:
        """See `ClientCodec.answer_of_chat`."""
        return answer

    def tokens_of(self, answer: Json) -> Tokens | None:
        """See `ProviderCodec.tokens_of`."""
        return Tokens.of_openai(answer.get("usage"))

    def passing(self, *, hide_usage: bool) -> PassingEvents:
        """See `ProviderCodec.passing`."""
        return PassingEvents(hide_usage=hide_usage)

    def reader(self, created: int) -> ChunkReader:
        """See `ProviderCodec.reader`."""
        del created
        return ChunkReader()

    def writer(self, *, hide_usage: bool) -> ChunkWriter:
        """See `ClientCodec.writer`."""
        return ChunkWriter(hide_usage=hide_usage)

    def error(self, error: TidemillError) -> Json:
        """See `ClientCodec.error`."""
        detail = ErrorDetail(
            message=error.message, type=error.type, code=error.code, param=error.param
        )
        told: Json = msgspec.to_builtins(ErrorBody(error=detail))
        return told

    def error_event(self, error: TidemillError) -> bytes:
        """See `ClientCodec.error_event`."""
        return event_of(self.error(error))


class ChunkReader:
    """See `EventReader`."""

    def __init__(self) -> None:
        self._whole = WholeEvents()
        self._calls = 0

    def read(self, part: bytes) -> list[Json]:
        """See `EventReader.read`."""
        chunks = objects_of(self._whole.feed(part))
        for chunk in chunks:
            if isinstance(failure := chunk.get("error"), dict):
                raise StreamFailed(str(failure.get("message", ""))[:500])
            for choice in chunk.get("choices") or []:
                self._number((choice.get("delta") or {}).get("tool_calls") or [])
        return chunks

    def _number(self, calls: Sequence[Json]) -> None:
        """Give calls of tools an index where a provider gives none: each id begins another."""
        for call in calls:
            if call.get("index") is None:
                self._calls += bool(call.get("id"))
                call["index"] = max(0, self._calls - 1)


class ChunkWriter:
    """See `EventWriter`."""

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage

    def write(self, chunks: Sequence[Json]) -> bytes:
        """See `EventWriter.write`."""
        shown = (one for one in chunks if one.get("choices") or not self._hide_usage)
        return b"".join(event_of(one) for one in shown)

    def end(self) -> bytes:
        """See `EventWriter.end`."""
        return _DONE


_COUNTED: Final = {"include_usage": True}
