"""What a request of Anthropic's Messages must look like to be translated; no I/O.

Source: https://docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class _Source(Struct):
    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""


class _Text(Struct):
    type: str
    text: str = ""


class _Block(Struct):
    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: dict[str, Any] = {}
    source: _Source | None = None
    tool_use_id: str = ""
    content: str | list[_Text] | None = None


class _Message(Struct):
    role: str
    content: str | list[_Block]


class _Tool(Struct):
    name: str
    type: str = "custom"
    description: str | None = None
    input_schema: dict[str, Any] | None = None


class _Choice(Struct):
    type: str
    name: str | None = None


class _Thinking(Struct):
    type: str
    budget_tokens: int | None = None


class MessagesShape(Struct):
    """The fields that are looked into."""

    messages: list[_Message]
    system: str | list[_Text] | None = None
    stop_sequences: list[str] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Choice | None = None
    thinking: _Thinking | None = None
