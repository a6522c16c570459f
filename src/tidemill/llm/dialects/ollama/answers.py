"""Answers of OpenAI's chat as those of Ollama; no I/O.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant, rfc3339
from tidemill.llm.dialects.codec import Json
from tidemill.llm.usage.models import Tokens


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the two answers it is: of a chat, or of a prompt."""

    is_chat: bool

    def said(self, text: str, thought: str = "", calls: Sequence[Json] = ()) -> Json:
        """Return what the model says."""
        told: Json = {"thinking": thought} if thought else {}
        if not self.is_chat:
            return {"response": text, **told}
        if calls:
            told["tool_calls"] = list(calls)
        return {"message": {"role": "assistant", "content": text, **told}}


def answer_of(chat: Json, form: Form) -> Json:
    """Return an answer in one piece."""
    choice = (chat.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    calls = [call_of(one.get("function") or {}) for one in message.get("tool_calls") or []]
    text, thought = message.get("content") or "", message.get("reasoning_content") or ""
    counted = Tokens.of_openai(chat.get("usage"))
    ended = end_of(choice.get("finish_reason"), counted)
    return {**head_of(chat), **form.said(text, thought, calls), **ended}


def embeddings_of(answer: Json) -> Json:
    """Return the answer of `/api/embed`."""
    found = sorted(answer.get("data") or [], key=lambda one: one.get("index", 0))
    counted = Tokens.of_openai(answer.get("usage")) or Tokens()
    return {
        "model": answer.get("model"),
        "embeddings": [one.get("embedding") for one in found],
        "prompt_eval_count": counted.input,
    }


def head_of(chat: Json) -> Json:
    """Return what every line begins with."""
    created = chat.get("created")
    seconds = created if isinstance(created, int) else 0
    at = rfc3339(Instant(seconds * MICROSECONDS_PER_SECOND))
    return {"model": chat.get("model"), "created_at": at}


def end_of(reason: Any, counted: Tokens | None) -> Json:
    """Return what the last line ends with."""
    told = counted or Tokens()
    return {
        "done": True,
        "done_reason": "length" if reason == "length" else "stop",
        "prompt_eval_count": told.input,
        "eval_count": told.output,
    }


def call_of(function: Json) -> Json:
    """Return a call of a tool, whose arguments are an object here."""
    try:
        arguments = msgspec.json.decode(function.get("arguments") or "{}")
    except (msgspec.DecodeError, RecursionError):
        # Models do write broken JSON; what they wrote is not lost.
        arguments = {"arguments": function.get("arguments")}
    return {"function": {"name": function.get("name"), "arguments": arguments}}
