"""Requests of Ollama's dialect as requests of OpenAI's; no I/O.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import msgspec

from tidemill.llm.dialects.codec import Json
from tidemill.llm.errors import InvalidModelRequest

_OPTIONS: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "stop": "stop",
    "num_predict": "max_tokens",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "repeat_penalty": "repeat_penalty",
}
_KINDS: Final = ((b"\x89PNG", "png"), (b"\xff\xd8", "jpeg"), (b"GIF8", "gif"), (b"RIFF", "webp"))


def chat_of(body: Json) -> Json:
    """Return the chat that `/api/chat` asks for; raises `InvalidModelRequest`."""
    chat = _common(body)
    calls = _Calls()
    chat["messages"] = [
        _message(one, f"messages[{at}]", calls) for at, one in enumerate(body["messages"])
    ]
    if body.get("tools"):
        chat["tools"] = body["tools"]
    return chat


def chat_of_prompt(body: Json) -> Json:
    """Return the chat that `/api/generate` asks for; raises `InvalidModelRequest`."""
    for name in ("suffix", "context", "template"):
        if body.get(name):
            raise InvalidModelRequest(name, f"{name} is not understood by this model's provider.")
    chat = _common(body)
    asked = {"role": "user", "content": body["prompt"], "images": body.get("images")}
    system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    chat["messages"] = [*system, _message(asked, "prompt", _Calls())]
    return chat


def embedding_of(body: Json) -> Json:
    """Return the request for embeddings that `/api/embed` is."""
    asked: Json = {"model": body["model"], "input": body["input"], "encoding_format": "float"}
    if body.get("dimensions"):
        asked["dimensions"] = body["dimensions"]
    return asked


def _common(body: Json) -> Json:
    chat: Json = {"model": body["model"], "stream": body.get("stream") is not False}
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise InvalidModelRequest("options", "options must be an object.")
    for name, value in options.items():
        if name in _OPTIONS and not (name == "num_predict" and value == -1):
            chat[_OPTIONS[name]] = value
    form = body.get("format")
    if form == "json":
        chat["response_format"] = {"type": "json_object"}
    elif isinstance(form, dict):
        schema = {"name": "answer", "schema": form, "strict": True}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form:
        raise InvalidModelRequest("format", "format is json or a JSON Schema.")
    thinks = body.get("think")
    if isinstance(thinks, str):
        chat["reasoning_effort"] = thinks
    return chat


class _Calls:
    """Gives calls of tools ids, which this dialect has not: results follow in their order."""

    def __init__(self) -> None:
        self._made = 0
        self._answered = 0

    def made(self) -> str:
        self._made += 1
        return f"call_{self._made}"

    def answered(self) -> str:
        self._answered += 1
        return f"call_{self._answered}"


def _message(message: Any, place: str, calls: _Calls) -> Json:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise InvalidModelRequest(f"{place}.role", "A message is an object with a role.")
    role, content = message["role"], message.get("content") or ""
    if not isinstance(content, str):
        raise InvalidModelRequest(f"{place}.content", "The content is text.")
    if role == "tool":
        return {"role": role, "tool_call_id": calls.answered(), "content": content}
    told: Json = {"role": role, "content": content}
    if images := message.get("images"):
        parts = [{"type": "text", "text": content}] if content else []
        told["content"] = [*parts, *(_image(one, place) for one in images)]
    if made := message.get("tool_calls"):
        told["tool_calls"] = [_call(one, calls.made()) for one in made]
    return told


def _call(call: Any, id_: str) -> Json:
    function = call.get("function") or {} if isinstance(call, dict) else {}
    arguments = msgspec.json.encode(function.get("arguments") or {}).decode()
    told = {"name": function.get("name"), "arguments": arguments}
    return {"id": id_, "type": "function", "function": told}


def _image(image: Any, place: str) -> Json:
    try:
        head = base64.b64decode(str(image)[:16], validate=True)
    except ValueError:
        raise InvalidModelRequest(f"{place}.images", "An image is text in base64.") from None
    kind = next((name for begin, name in _KINDS if head.startswith(begin)), "png")
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{image}"}}
