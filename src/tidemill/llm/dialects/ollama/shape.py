"""What requests of Ollama's dialect must look like to be translated; no I/O.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class _Called(Struct):
    name: str
    arguments: dict[str, Any] | None = None


class _Call(Struct):
    function: _Called


class _Message(Struct):
    role: str
    content: str | None = None
    images: list[str] | None = None
    tool_calls: list[_Call] | None = None


class OllamaChatShape(Struct):
    """The fields of `/api/chat` that are looked into."""

    messages: list[_Message]
    tools: list[dict[str, Any]] | None = None


class OllamaPromptShape(Struct):
    """The fields of `/api/generate` that are looked into."""

    prompt: str
    system: str | None = None
    images: list[str] | None = None
