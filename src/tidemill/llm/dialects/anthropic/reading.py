"""Reads a stream of Anthropic's Messages as chunks of OpenAI's chat; no I/O.

Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from tidemill.llm.dialects.anthropic.answers import FINISHED, tokens_of, usage_of_chat
from tidemill.llm.dialects.codec import Json, StreamFailed
from tidemill.llm.dialects.events import WholeEvents, objects_of
from tidemill.llm.usage.models import Tokens


class MessageReader:
    """See `EventReader`; `created` is in seconds."""

    def __init__(self, created: int) -> None:
        self._whole = WholeEvents()
        self._head: Json = {"id": "", "object": "chat.completion.chunk", "created": created}
        self._tokens = Tokens()
        self._tools: dict[Any, int] = {}

    def read(self, part: bytes) -> list[Json]:
        """See `EventReader.read`."""
        events = objects_of(self._whole.feed(part))
        return [chunk for event in events if (chunk := self._chunk(event)) is not None]

    def _chunk(self, event: Json) -> Json | None:
        kind = event.get("type")
        if kind == "error":
            raise StreamFailed(str((event.get("error") or {}).get("message", ""))[:500])
        if kind == "message_start":
            message = event.get("message") or {}
            self._head |= {"id": message.get("id"), "model": message.get("model")}
            self._tokens = tokens_of(message.get("usage")) or self._tokens
            return self._with({"role": "assistant", "content": ""})
        if kind == "content_block_start":
            return self._begun(event)
        if kind == "content_block_delta":
            return self._went_on(event)
        if kind == "message_delta":
            return self._ended(event)
        if kind == "message_stop":
            return {**self._head, "choices": [], "usage": usage_of_chat(self._tokens)}
        return None

    def _begun(self, event: Json) -> Json | None:
        block = event.get("content_block") or {}
        if block.get("type") != "tool_use":
            return self._with({"content": block["text"]}) if block.get("text") else None
        at = self._tools[event.get("index")] = len(self._tools)
        function = {"name": block.get("name"), "arguments": ""}
        call = {"index": at, "id": block.get("id"), "type": "function", "function": function}
        return self._with({"tool_calls": [call]})

    def _went_on(self, event: Json) -> Json | None:
        delta = event.get("delta") or {}
        kind = delta.get("type")
        if kind == "text_delta":
            return self._with({"content": delta.get("text", "")})
        if kind == "thinking_delta":
            return self._with({"reasoning_content": delta.get("thinking", "")})
        if kind == "input_json_delta" and event.get("index") in self._tools:
            function = {"arguments": delta.get("partial_json", "")}
            at = self._tools[event["index"]]
            return self._with({"tool_calls": [{"index": at, "function": function}]})
        return None

    def _ended(self, event: Json) -> Json:
        counted = tokens_of(event.get("usage")) or Tokens()
        # What is counted here counts all so far; input is mostly told at the begin alone.
        self._tokens = structs.replace(
            self._tokens,
            input=max(counted.input, self._tokens.input),
            cached=max(counted.cached, self._tokens.cached),
            output=counted.output,
        )
        reason = str((event.get("delta") or {}).get("stop_reason"))
        return self._with({}, FINISHED.get(reason, "stop"))

    def _with(self, delta: Json, finished: str | None = None) -> Json:
        return {
            **self._head,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finished}],
        }
