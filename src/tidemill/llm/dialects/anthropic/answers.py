"""Answers of Anthropic's Messages and of OpenAI's chat, each as the other; no I/O.

Source: https://docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tidemill.llm.dialects.codec import Json
from tidemill.llm.usage.models import Tokens, count_of

FINISHED: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
STOPPED: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def tokens_of(usage: Any) -> Tokens | None:
    """Return what a `usage` of Messages counts: what a cache gave is no part of its input."""
    if not isinstance(usage, dict):
        return None
    cached = count_of(usage, "cache_read_input_tokens")
    written = count_of(usage, "cache_creation_input_tokens")
    return Tokens(
        input=count_of(usage, "input_tokens") + cached + written,
        cached=cached,
        output=count_of(usage, "output_tokens"),
    )


def usage_of(tokens: Tokens | None) -> Json:
    """Return a `usage` of Messages."""
    told = tokens or Tokens()
    return {
        "input_tokens": max(0, told.input - told.cached),
        "cache_read_input_tokens": told.cached,
        "output_tokens": told.output,
    }


def usage_of_chat(tokens: Tokens) -> Json:
    """Return a `usage` of OpenAI's chat."""
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def chat_of(answer: Json, created: int) -> Json:
    """Return an answer of Messages as one of OpenAI's chat; `created` is in seconds."""
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[Json] = []
    for block in answer.get("content") or []:
        kind = block.get("type")
        if kind == "text":
            texts.append(block.get("text", ""))
        elif kind == "thinking":
            thoughts.append(block.get("thinking", ""))
        elif kind == "tool_use":
            arguments = msgspec.json.encode(block.get("input", {})).decode()
            function = {"name": block.get("name"), "arguments": arguments}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
    message: Json = {"role": "assistant", "content": "".join(texts) or None}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    finished = FINISHED.get(str(answer.get("stop_reason")), "stop")
    tokens = tokens_of(answer.get("usage")) or Tokens()
    return {
        "id": answer.get("id"),
        "object": "chat.completion",
        "created": created,
        "model": answer.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finished}],
        "usage": usage_of_chat(tokens),
    }


def message_of(chat: Json) -> Json:
    """Return an answer of OpenAI's chat as one of Messages."""
    choice = (chat.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    blocks: list[Json] = []
    if thought := message.get("reasoning_content"):
        blocks.append({"type": "thinking", "thinking": thought, "signature": ""})
    if text := message.get("content") or message.get("refusal"):
        blocks.append({"type": "text", "text": text})
    blocks += [_tool_use(call) for call in message.get("tool_calls") or []]
    stopped = STOPPED.get(str(choice.get("finish_reason")), "end_turn")
    if stopped == "end_turn" and message.get("tool_calls"):
        stopped = "tool_use"  # Some servers say "stop" to that, too.
    return {
        "id": f"msg_{chat.get('id')}",
        "type": "message",
        "role": "assistant",
        "model": chat.get("model"),
        "content": blocks,
        "stop_reason": stopped,
        "stop_sequence": None,
        "usage": usage_of(Tokens.of_openai(chat.get("usage"))),
    }


def _tool_use(call: Json) -> Json:
    function = call.get("function") or {}
    try:
        arguments = msgspec.json.decode(function.get("arguments") or "{}")
    except (msgspec.DecodeError, RecursionError):
        # Models do write broken JSON; what they wrote is not lost.
        arguments = {"arguments": function.get("arguments")}
    return {
        "type": "tool_use",
        "id": call.get("id"),
        "name": function.get("name"),
        "input": arguments,
    }
