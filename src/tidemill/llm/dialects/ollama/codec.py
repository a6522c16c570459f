"""Ollama's dialect. Source: https://github.com/ollama/ollama/blob/main/docs/api.md."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from tidemill.core.errors import TidemillError
from tidemill.llm.dialects.codec import Json, Operation, check_shape, flag_of
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.dialects.ollama import answers, incoming
from tidemill.llm.dialects.ollama.schemas import OllamaErrorBody
from tidemill.llm.dialects.ollama.shape import OllamaChatShape, OllamaPromptShape
from tidemill.llm.dialects.ollama.writing import LineWriter
from tidemill.llm.errors import InvalidModelRequest

_NAMES: Final = {"max_tokens": "num_predict", "max_completion_tokens": "num_predict"}


class OllamaChat:
    """`/api/chat`; see `ClientCodec`."""

    dialect: Dialect | None = None
    stream_type = "application/x-ndjson"
    error_schema: type[Struct] = OllamaErrorBody
    _form: answers.Form = answers.Form(is_chat=True)

    def check(self, operation: Operation, body: Json) -> None:
        """See `ClientCodec.check`."""
        del operation
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            raise InvalidModelRequest("messages", "messages must be a list that is not empty.")

    def is_stream(self, body: Json) -> bool:
        """See `ClientCodec.is_stream`; here it is so unless it is said otherwise."""
        return flag_of(body, "stream", default=True)

    def wants_usage(self, body: Json) -> bool:
        """See `ClientCodec.wants_usage`; the last line always tells it."""
        del body
        return True

    def with_defaults(self, body: Json, parameters: Json) -> Json:
        """See `ClientCodec.with_defaults`."""
        named = {_NAMES.get(name, name): value for name, value in parameters.items()}
        options = body.get("options")
        if options is not None and not isinstance(options, dict):
            raise InvalidModelRequest("options", "options must be an object.")
        return {**body, "options": {**named, **(options or {})}} if named else body

    def request_to_chat(self, body: Json) -> Json:
        """See `ClientCodec.request_to_chat`."""
        check_shape(body, OllamaChatShape)
        return incoming.chat_of(body)

    def answer_of_chat(self, answer: Json) -> Json:
        """See `ClientCodec.answer_of_chat`."""
        return answers.answer_of(answer, self._form)

    def writer(self, *, hide_usage: bool) -> LineWriter:
        """See `ClientCodec.writer`."""
        del hide_usage
        return LineWriter(self._form)

    def error(self, error: TidemillError) -> Json:
        """See `ClientCodec.error`."""
        return {"error": error.message}

    def error_event(self, error: TidemillError) -> bytes:
        """See `ClientCodec.error_event`."""
        return msgspec.json.encode(self.error(error)) + b"\n"


class OllamaPrompt(OllamaChat):
    """`/api/generate`; see `ClientCodec`."""

    _form: answers.Form = answers.Form(is_chat=False)

    def check(self, operation: Operation, body: Json) -> None:
        """See `ClientCodec.check`."""
        del operation
        if not isinstance(body.get("prompt"), str):
            raise InvalidModelRequest("prompt", "prompt must be text.")

    def request_to_chat(self, body: Json) -> Json:
        """See `ClientCodec.request_to_chat`."""
        check_shape(body, OllamaPromptShape)
        return incoming.chat_of_prompt(body)


class OllamaEmbedding(OllamaChat):
    """`/api/embed`; see `ClientCodec`."""

    def check(self, operation: Operation, body: Json) -> None:
        """See `ClientCodec.check`."""
        del operation
        if not isinstance(body.get("input"), str | list) or not body["input"]:
            raise InvalidModelRequest("input", "input must be text or a list that is not empty.")

    def request_to_chat(self, body: Json) -> Json:
        """See `ClientCodec.request_to_chat`."""
        return incoming.embedding_of(body)

    def answer_of_chat(self, answer: Json) -> Json:
        """See `ClientCodec.answer_of_chat`."""
        return answers.embeddings_of(answer)
