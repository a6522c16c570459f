"""What a chat of OpenAI's dialect must look like to be translated; no I/O.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class _ImageUrl(Struct):
    url: str


class _Part(Struct):
    type: str
    text: str = ""
    refusal: str = ""
    image_url: _ImageUrl | None = None


class _Called(Struct):
    name: str
    arguments: str | None = None


class _Call(Struct):
    id: str
    function: _Called


class _Message(Struct):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None


class _Function(Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(Struct):
    function: _Function


class _Named(Struct):
    name: str


class _Choice(Struct):
    function: _Named


class ChatShape(Struct):
    """The fields that are looked into."""

    messages: list[_Message]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | _Choice | None = None
    reasoning_effort: str | None = None
    user: str | None = None
