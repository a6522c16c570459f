"""How the documentation of the HTTP API names a route, and the group that it stands in."""

from __future__ import annotations

from typing import Final

_ACRONYMS: Final = {"api": "API", "csv": "CSV", "llm": "LLM", "ws": "WebSocket", "id": "ID"}


def summary_of(handler: str) -> str:
    """Return a handler's name as a phrase: `list_api_tokens` is "List API tokens"."""
    return _phrase(handler.split("_"))


def group_of(path: str, *, root: bool) -> str:
    """Return the name of what a route below `/api/v1` is about, its path's first segment.

    Routes of the `root` belong to the server itself.
    """
    first = path.strip("/").partition("/")[0]
    return "Server" if root or not first else _phrase(first.split("-"))


def _phrase(words: list[str]) -> str:
    shown = [_ACRONYMS.get(word, word) for word in words]
    return " ".join([shown[0][:1].upper() + shown[0][1:], *shown[1:]])
