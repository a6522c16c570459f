"""Writes chunks of OpenAI's chat as lines of JSON, as Ollama streams; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tidemill.llm.dialects.codec import Json
from tidemill.llm.dialects.ollama.answers import Form, call_of, end_of, head_of
from tidemill.llm.usage.models import Tokens


class LineWriter:
    """See `EventWriter`. Calls of tools are told whole, once their arguments are."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._head: Json = head_of({})
        self._calls: dict[Any, Json] = {}
        self._finished: Any = None
        self._tokens: Tokens | None = None

    def write(self, chunks: Sequence[Json]) -> bytes:
        """See `EventWriter.write`."""
        lines: list[bytes] = []
        for chunk in chunks:
            self._head = head_of(chunk)
            self._tokens = Tokens.of_openai(chunk.get("usage")) or self._tokens
            for choice in chunk.get("choices") or []:
                self._finished = choice.get("finish_reason") or self._finished
                delta = choice.get("delta") or {}
                self._keep(delta.get("tool_calls") or [])
                text, thought = delta.get("content") or "", delta.get("reasoning_content") or ""
                if text or thought:
                    lines.append(self._line(self._form.said(text, thought), {"done": False}))
        return b"".join(lines)

    def end(self) -> bytes:
        """See `EventWriter.end`."""
        calls = [call_of(one) for one in self._calls.values()]
        told = [self._line(self._form.said("", "", calls), {"done": False})] if calls else []
        told.append(self._line(self._form.said(""), end_of(self._finished, self._tokens)))
        return b"".join(told)

    def _keep(self, calls: Sequence[Json]) -> None:
        for call in calls:
            function = call.get("function") or {}
            kept = self._calls.setdefault(call.get("index"), {"name": None, "arguments": ""})
            kept["name"] = function.get("name") or kept["name"]
            kept["arguments"] += function.get("arguments") or ""

    def _line(self, said: Json, ended: Json) -> bytes:
        return msgspec.json.encode({**self._head, **said, **ended}) + b"\n"
