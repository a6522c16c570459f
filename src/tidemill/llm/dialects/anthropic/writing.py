"""Writes chunks of OpenAI's chat as a stream of Anthropic's Messages; no I/O.

Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.llm.dialects.anthropic.answers import STOPPED, usage_of
from tidemill.llm.dialects.codec import Json
from tidemill.llm.dialects.events import event_of
from tidemill.llm.usage.models import Tokens

_Block = tuple[str, Any]


class MessageWriter:
    """See `EventWriter`. One block is open at a time, as the dialect wants it."""

    def __init__(self) -> None:
        self._begun = False
        self._open: _Block | None = None
        self._index = -1
        self._stopped = "end_turn"
        self._has_called = False
        self._tokens: Tokens | None = None

    def write(self, chunks: Sequence[Json]) -> bytes:
        """See `EventWriter.write`."""
        return b"".join(event for chunk in chunks for event in self._events(chunk))

    def end(self) -> bytes:
        """See `EventWriter.end`."""
        events = [] if self._begun else self._start({})
        events += self._close()
        # Some servers say "stop" where tools are called, too.
        is_call = self._has_called and self._stopped == "end_turn"
        stopped = "tool_use" if is_call else self._stopped
        events.append(
            _event(
                "message_delta",
                delta={"stop_reason": stopped, "stop_sequence": None},
                usage=usage_of(self._tokens),
            )
        )
        events.append(_event("message_stop"))
        return b"".join(events)

    def _events(self, chunk: Json) -> list[bytes]:
        events = [] if self._begun else self._start(chunk)
        self._tokens = Tokens.of_openai(chunk.get("usage")) or self._tokens
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            if thought := delta.get("reasoning_content"):
                events += self._in(("thinking", None), {"type": "thinking", "thinking": ""})
                events.append(self._delta("thinking_delta", thinking=thought))
            if text := delta.get("content") or delta.get("refusal"):
                events += self._in(("text", None), {"type": "text", "text": ""})
                events.append(self._delta("text_delta", text=text))
            for call in delta.get("tool_calls") or []:
                events += self._call(call)
            if reason := choice.get("finish_reason"):
                self._stopped = STOPPED.get(reason, "end_turn")
        return events

    def _start(self, chunk: Json) -> list[bytes]:
        self._begun = True
        message = {
            "id": f"msg_{chunk.get('id', '')}",
            "type": "message",
            "role": "assistant",
            "model": chunk.get("model", ""),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_of(None),
        }
        return [_event("message_start", message=message)]

    def _call(self, call: Json) -> list[bytes]:
        self._has_called = True
        function = call.get("function") or {}
        begin: Json = {
            "type": "tool_use",
            "id": call.get("id"),
            "name": function.get("name"),
            "input": {},
        }
        events = self._in(("tool_use", call.get("index")), begin)
        if arguments := function.get("arguments"):
            events.append(self._delta("input_json_delta", partial_json=arguments))
        return events

    def _in(self, block: _Block, begin: Json) -> list[bytes]:
        if self._open == block:
            return []
        events = self._close()
        self._open = block
        self._index += 1
        events.append(_event("content_block_start", index=self._index, content_block=begin))
        return events

    def _close(self) -> list[bytes]:
        if self._open is None:
            return []
        self._open = None
        return [_event("content_block_stop", index=self._index)]

    def _delta(self, kind: str, **said: str) -> bytes:
        return _event("content_block_delta", index=self._index, delta={"type": kind, **said})


def _event(kind: str, **fields: Any) -> bytes:
    return event_of({"type": kind, **fields}, kind)
