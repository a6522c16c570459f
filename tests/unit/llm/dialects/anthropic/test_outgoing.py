"""What a chat of OpenAI's dialect is in Anthropic's."""

from __future__ import annotations

from typing import Any

from tidemill.llm.dialects.anthropic.outgoing import messages_of

_ASKED = {"role": "user", "content": "When?"}
_CALL = {"id": "c1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}
_CALLED = [
    _ASKED,
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "12:04"},
]


def thinking(**said: Any) -> tuple[int | None, int]:
    """Return how long it may think, and all it may write."""
    chat = {"model": "m", "messages": [_ASKED], "reasoning_effort": "medium", **said}
    body = messages_of(chat)
    return body.get("thinking", {}).get("budget_tokens"), body["max_tokens"]


def test_messages_of_thinks_within_the_limit_that_the_client_set() -> None:
    assert thinking() == (4096, 8192)
    assert thinking(max_tokens=20_000) == (4096, 20_000)
    assert thinking(max_completion_tokens=3000) == (1500, 3000)
    assert thinking(max_tokens=100) == (None, 100)


def test_messages_of_does_not_think_where_the_thoughts_before_a_call_are_missing() -> None:
    assert thinking(messages=_CALLED) == (None, 4096)
    assert thinking(messages=[*_CALLED, {"role": "assistant", "content": "12:04"}, _ASKED]) == (
        4096,
        8192,
    )
