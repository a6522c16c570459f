"""Requests of Anthropic's Messages as requests of OpenAI's chat; no I/O.

Source: https://docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tidemill.llm.dialects.codec import Json
from tidemill.llm.errors import InvalidModelRequest

_SAME: Final = ("model", "max_tokens", "temperature", "top_p", "top_k", "stream")
_CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}
_low_tokens_max: Final = 2048
_medium_tokens_max: Final = 8192


def chat_of(body: Json) -> Json:
    """Return the chat that a request of Messages asks for; raises `InvalidModelRequest`."""
    chat: Json = {name: body[name] for name in _SAME if body.get(name) is not None}
    system = _text(body.get("system"), "system")
    chat["messages"] = [{"role": "system", "content": system}] if system else []
    for place, message in enumerate(body["messages"]):
        chat["messages"] += _messages(message, f"messages[{place}]")
    if body.get("stop_sequences"):
        chat["stop"] = body["stop_sequences"]
    if body.get("tools"):
        chat["tools"] = [_tool(one, f"tools[{at}]") for at, one in enumerate(body["tools"])]
    _choose(body.get("tool_choice"), chat)
    _think(body.get("thinking"), chat)
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata.get("user_id"):
        chat["user"] = metadata["user_id"]
    return chat


def _messages(message: Any, place: str) -> list[Json]:
    if not isinstance(message, dict) or message.get("role") not in {"user", "assistant"}:
        raise InvalidModelRequest(f"{place}.role", "A message's role is user or assistant.")
    content = message.get("content")
    if isinstance(content, str):
        return [{"role": message["role"], "content": content}]
    if not isinstance(content, list):
        raise InvalidModelRequest(f"{place}.content", "The content is text or a list of blocks.")
    blocks = [(one, f"{place}.content[{at}]") for at, one in enumerate(content)]
    return _said(blocks) if message["role"] == "assistant" else _asked(blocks)


def _asked(blocks: list[tuple[Any, str]]) -> list[Json]:
    """Return what a user says: results of tools are messages of their own, and come first."""
    results: list[Json] = []
    parts: list[Json] = []
    for block, place in blocks:
        kind = _kind(block, place)
        if kind == "tool_result":
            text = _text(block.get("content"), f"{place}.content")
            if block.get("is_error"):
                text = f"Error: {text}"
            results.append(
                {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text}
            )
        elif kind == "text":
            parts.append({"type": "text", "text": block.get("text", "")})
        elif kind == "image":
            parts.append({"type": "image_url", "image_url": {"url": _image(block, place)}})
        else:
            raise _untold(kind, place)
    if not parts:
        return results
    if all(part["type"] == "text" for part in parts):
        return [*results, {"role": "user", "content": "\n".join(one["text"] for one in parts)}]
    return [*results, {"role": "user", "content": parts}]


def _said(blocks: list[tuple[Any, str]]) -> list[Json]:
    texts: list[str] = []
    calls: list[Json] = []
    for block, place in blocks:
        kind = _kind(block, place)
        if kind == "text":
            texts.append(block.get("text", ""))
        elif kind == "tool_use":
            arguments = msgspec.json.encode(block.get("input", {})).decode()
            function = {"name": block.get("name"), "arguments": arguments}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        elif kind not in {"thinking", "redacted_thinking"}:
            # What a model thought is not said to another: only its own provider could check it.
            raise _untold(kind, place)
    message: Json = {"role": "assistant", "content": "".join(texts) or None}
    return [message | {"tool_calls": calls} if calls else message]


def _kind(block: Any, place: str) -> str:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str):
        raise InvalidModelRequest(place, "A block is an object with a type.")
    return kind


def _untold(kind: str, place: str) -> InvalidModelRequest:
    return InvalidModelRequest(
        place, f"A block of the type {kind[:40]} is not understood by this model's provider."
    )


def _text(content: Any, place: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidModelRequest(place, f"{place} is text or a list of blocks.")
    texts: list[str] = []
    for at, block in enumerate(content):
        kind = _kind(block, f"{place}[{at}]")
        if kind != "text":
            raise _untold(kind, f"{place}[{at}]")
        texts.append(block.get("text", ""))
    return "\n".join(texts)


def _image(block: Json, place: str) -> str:
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    if isinstance(source, dict) and source.get("type") == "url":
        return str(source.get("url"))
    raise InvalidModelRequest(f"{place}.source", "An image's source is base64 or url.")


def _tool(tool: Any, place: str) -> Json:
    if not isinstance(tool, dict) or not tool.get("name"):
        raise InvalidModelRequest(f"{place}.name", "A tool has a name.")
    if tool.get("type", "custom") != "custom":
        raise _untold(str(tool["type"]), place)
    function = {"name": tool["name"], "parameters": tool.get("input_schema", {"type": "object"})}
    if tool.get("description"):
        function["description"] = tool["description"]
    return {"type": "function", "function": function}


def _choose(choice: Any, chat: Json) -> None:
    if not isinstance(choice, dict):
        return
    kind = choice.get("type")
    if kind == "tool":
        chat["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
    elif kind in _CHOICES:
        chat["tool_choice"] = _CHOICES[kind]
    else:
        raise InvalidModelRequest("tool_choice.type", "It is auto, any, tool or none.")
    if choice.get("disable_parallel_tool_use"):
        chat["parallel_tool_calls"] = False


def _think(thinking: Any, chat: Json) -> None:
    """Say how long to think: OpenAI's dialect has three words for what here is a budget."""
    if not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens")
    tokens = budget if isinstance(budget, int) else _medium_tokens_max
    if tokens <= _low_tokens_max:
        chat["reasoning_effort"] = "low"
    else:
        chat["reasoning_effort"] = "medium" if tokens <= _medium_tokens_max else "high"
