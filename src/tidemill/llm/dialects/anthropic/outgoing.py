"""Requests of OpenAI's chat as requests of Anthropic's Messages; no I/O.

Source: https://docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from tidemill.llm.dialects.codec import Json
from tidemill.llm.errors import InvalidModelRequest

max_tokens_default: Final = 4096
"""Messages demands a limit, chats need not have one."""
_SAME: Final = ("model", "temperature", "top_p", "top_k", "stream")
_CHOICES: Final = {"auto": "auto", "required": "any", "none": "none"}
_budget_min: Final = 1024
_BUDGETS: Final = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16_384}
_UNTOLD: Final[dict[str, tuple[Any, ...]]] = {
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "n": (1,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "seed": (),
    "top_logprobs": (0,),
}
"""What has no like there, with the values that ask for nothing."""
_DATA_URL: Final = re.compile(r"data:([\w.+/-]+);base64,(.*)", re.DOTALL)


def messages_of(chat: Json) -> Json:
    """Return the request of Messages that a chat is; raises `InvalidModelRequest`."""
    for name, harmless in _UNTOLD.items():
        if chat.get(name) is not None and chat[name] not in harmless:
            raise InvalidModelRequest(name, f"This model's provider has no {name}.")
    body: Json = {name: chat[name] for name in _SAME if chat.get(name) is not None}
    limit = chat.get("max_completion_tokens") or chat.get("max_tokens")
    body["max_tokens"] = limit or max_tokens_default
    system: list[str] = []
    body["messages"] = _messages(chat["messages"], system)
    if system:
        body["system"] = "\n\n".join(system)
    if stop := chat.get("stop"):
        body["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if tools := chat.get("tools"):
        body["tools"] = [_tool(one, f"tools[{at}]") for at, one in enumerate(tools)]
    _choose(chat, body)
    _think(_BUDGETS.get(chat.get("reasoning_effort") or "", 0), limit, body)
    if chat.get("user"):
        body["metadata"] = {"user_id": chat["user"]}
    return body


def _think(budget: int, limit: int | None, body: Json) -> None:
    """Let it think, within the limit that the client set for all that is written."""
    # After results of tools, Messages wants what was thought before them, which no chat has.
    last = body["messages"][-1]["content"] if body["messages"] else []
    is_amid = any(block["type"] == "tool_result" for block in last)
    if not budget or is_amid or (limit is not None and limit < 2 * _budget_min):
        return
    budget = budget if limit is None else max(_budget_min, min(budget, limit // 2))
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    if limit is None:
        body["max_tokens"] = budget + max_tokens_default


def _messages(given: list[Any], system: list[str]) -> list[Json]:
    """Return messages by turns; what the system says goes into `system`."""
    found: list[Json] = []
    for at, message in enumerate(given):
        place = f"messages[{at}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role in {"system", "developer"}:
            system.append(_text(message.get("content"), place))
        elif role == "user":
            _add(found, "user", _parts(message.get("content"), place))
        elif role == "tool":
            result = {"type": "tool_result", "tool_use_id": message.get("tool_call_id")}
            _add(found, "user", [result | {"content": _text(message.get("content"), place)}])
        elif role == "assistant":
            _add(found, "assistant", _said(message, place))
        else:
            raise InvalidModelRequest(
                f"{place}.role", "A message's role is system, developer, user, assistant or tool."
            )
    return found


def _add(found: list[Json], role: str, blocks: list[Json]) -> None:
    if found and found[-1]["role"] == role:
        found[-1]["content"] += blocks
    else:
        found.append({"role": role, "content": blocks})


def _said(message: Json, place: str) -> list[Json]:
    blocks = _parts(message["content"], place) if message.get("content") else []
    for at, call in enumerate(message.get("tool_calls") or []):
        function = call.get("function", {}) if isinstance(call, dict) else {}
        try:
            arguments = msgspec.json.decode(function.get("arguments") or "{}")
        except (msgspec.DecodeError, TypeError, RecursionError):
            raise InvalidModelRequest(
                f"{place}.tool_calls[{at}].function.arguments", "The arguments are no JSON."
            ) from None
        blocks.append(
            {
                "type": "tool_use",
                "id": call.get("id"),
                "name": function.get("name"),
                "input": arguments,
            }
        )
    return blocks


def _parts(content: Any, place: str) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise InvalidModelRequest(f"{place}.content", "The content is text or a list of parts.")
    return [_part(one, f"{place}.content[{at}]") for at, one in enumerate(content)]


def _part(part: Any, place: str) -> Json:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return {"type": "text", "text": part.get("text", "")}
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal", "")}
    if kind == "image_url" and isinstance(part.get("image_url"), dict):
        url = str(part["image_url"].get("url", ""))
        found = _DATA_URL.fullmatch(url)
        if found is None:
            return {"type": "image", "source": {"type": "url", "url": url}}
        source = {"type": "base64", "media_type": found[1], "data": found[2]}
        return {"type": "image", "source": source}
    raise InvalidModelRequest(
        place, f"A part of the type {str(kind)[:40]} is not understood by this model's provider."
    )


def _text(content: Any, place: str) -> str:
    parts = _parts(content, place)
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


def _tool(tool: Any, place: str) -> Json:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not function.get("name"):
        raise InvalidModelRequest(f"{place}.function.name", "A tool is a function with a name.")
    told = {
        "name": function["name"],
        "input_schema": function.get("parameters") or {"type": "object"},
    }
    if function.get("description"):
        told["description"] = function["description"]
    return told


def _choose(chat: Json, body: Json) -> None:
    choice = chat.get("tool_choice")
    told: Json | None = None
    if isinstance(choice, dict):
        told = {"type": "tool", "name": choice.get("function", {}).get("name")}
    elif isinstance(choice, str) and choice in _CHOICES:
        told = {"type": _CHOICES[choice]}
    if chat.get("parallel_tool_calls") is False and body.get("tools"):
        told = {**(told or {"type": "auto"}), "disable_parallel_tool_use": True}
    if told is not None:
        body["tool_choice"] = told
