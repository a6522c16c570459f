"""Anthropic's dialect. Source: https://docs.anthropic.com/en/api/messages."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.errors import TidemillError
from tidemill.llm.dialects.anthropic import answers, incoming, outgoing
from tidemill.llm.dialects.anthropic.passing import PassingMessages
from tidemill.llm.dialects.anthropic.reading import MessageReader
from tidemill.llm.dialects.anthropic.schemas import AnthropicErrorBody
from tidemill.llm.dialects.anthropic.shape import MessagesShape
from tidemill.llm.dialects.anthropic.writing import MessageWriter
from tidemill.llm.dialects.codec import Json, Operation, check_shape, flag_of
from tidemill.llm.dialects.events import event_of
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.dialects.openai.shape import ChatShape
from tidemill.llm.errors import InvalidModelRequest
from tidemill.llm.usage.models import Tokens

_VERSION: Final = "2023-06-01"
_NAMES: Final = {"max_completion_tokens": "max_tokens", "stop": "stop_sequences"}
_KNOWN: Final = frozenset({"max_tokens", "stop_sequences", "temperature", "top_p"})
_TYPES: Final = {
    "authentication_error": "authentication_error",
    "permission_error": "permission_error",
    "not_found_error": "not_found_error",
    "rate_limit_error": "rate_limit_error",
    "internal_error": "api_error",
    "provider_error": "api_error",
    "unavailable_error": "overloaded_error",
}


class AnthropicCodec:
    """See `ClientCodec` and `ProviderCodec`."""

    dialect: Dialect | None = Dialect.ANTHROPIC
    stream_type = "text/event-stream"
    error_schema: type[Struct] = AnthropicErrorBody

    def path(self, operation: Operation) -> str:
        """See `ProviderCodec.path`."""
        if operation is not Operation.CHAT:
            raise InvalidModelRequest("model", "This model's provider only chats.")
        return "/messages"

    def headers(self, key: str | None) -> dict[str, str]:
        """See `ProviderCodec.headers`."""
        headers = {"anthropic-version": _VERSION}
        return headers if key is None else headers | {"x-api-key": key}

    def check(self, operation: Operation, body: Json) -> None:
        """See `ClientCodec.check`."""
        del operation
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            raise InvalidModelRequest("messages", "messages must be a list that is not empty.")
        limit = body.get("max_tokens")
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise InvalidModelRequest("max_tokens", "max_tokens must be a whole number from 1 on.")

    def is_stream(self, body: Json) -> bool:
        """See `ClientCodec.is_stream`."""
        return flag_of(body, "stream", default=False)

    def wants_usage(self, body: Json) -> bool:
        """See `ClientCodec.wants_usage`."""
        del body
        return True

    def with_defaults(self, body: Json, parameters: Json) -> Json:
        """See `ClientCodec.with_defaults`; what has no like here is left out."""
        named = {_NAMES.get(name, name): value for name, value in parameters.items()}
        return {**{name: value for name, value in named.items() if name in _KNOWN}, **body}

    def request_to_chat(self, body: Json) -> Json:
        """See `ClientCodec.request_to_chat`."""
        check_shape(body, MessagesShape)
        return incoming.chat_of(body)

    def request_of_chat(self, body: Json) -> Json:
        """See `ProviderCodec.request_of_chat`."""
        check_shape(body, ChatShape)
        return outgoing.messages_of(body)

    def counted(self, body: Json) -> Json:
        """See `ProviderCodec.counted`; every stream does here."""
        return body

    def answer_to_chat(self, answer: Json, created: int) -> Json:
        """See `ProviderCodec.answer_to_chat`."""
        return answers.chat_of(answer, created)

    def answer_of_chat(self, answer: Json) -> Json:
        """See `ClientCodec.answer_of_chat`."""
        return answers.message_of(answer)

    def tokens_of(self, answer: Json) -> Tokens | None:
        """See `ProviderCodec.tokens_of`."""
        return answers.tokens_of(answer.get("usage"))

    def passing(self, *, hide_usage: bool) -> PassingMessages:
        """See `ProviderCodec.passing`; usage is a part of every stream here."""
        del hide_usage
        return PassingMessages()

    def reader(self, created: int) -> MessageReader:
        """See `ProviderCodec.reader`."""
        return MessageReader(created)

    def writer(self, *, hide_usage: bool) -> MessageWriter:
        """See `ClientCodec.writer`."""
        del hide_usage
        return MessageWriter()

    def error(self, error: TidemillError) -> Json:
        """See `ClientCodec.error`."""
        kind = _TYPES.get(error.type, "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": error.message}}

    def error_event(self, error: TidemillError) -> bytes:
        """See `ClientCodec.error_event`."""
        return event_of(self.error(error), "error")
