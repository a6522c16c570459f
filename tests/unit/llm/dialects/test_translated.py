"""Streams of providers that keep to OpenAI's dialect only nearly, for clients of others."""

from __future__ import annotations

import pytest

from tidemill.llm.dialects.anthropic.answers import message_of
from tidemill.llm.dialects.anthropic.codec import AnthropicCodec
from tidemill.llm.dialects.codec import ClientCodec
from tidemill.llm.dialects.events import event_of
from tidemill.llm.dialects.ollama.codec import OllamaChat
from tidemill.llm.dialects.openai.codec import OpenAICodec
from tidemill.llm.dialects.translated import TranslatedEvents

_CALLS = [
    {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": "{}"}}
    for at, name in enumerate(("tide", "wind"))
]


@pytest.mark.parametrize("codec", [AnthropicCodec(), OllamaChat()])
def test_translated_events_tell_calls_without_an_index_apart(codec: ClientCodec) -> None:
    events = TranslatedEvents(OpenAICodec().reader(1), codec.writer(hide_usage=False))

    shown = b"".join(
        events.feed(event_of({"choices": [{"delta": {"tool_calls": [call]}}]})) for call in _CALLS
    )
    shown += events.end()

    assert shown.count(b'"name":"tide"') == shown.count(b'"name":"wind"') == 1


def test_translated_events_stop_for_a_tool_that_was_called() -> None:
    events = TranslatedEvents(OpenAICodec().reader(1), AnthropicCodec().writer(hide_usage=False))
    choice = {"delta": {"tool_calls": _CALLS[:1]}, "finish_reason": "stop"}
    message = message_of({"choices": [{"message": choice["delta"], "finish_reason": "stop"}]})

    shown = events.feed(event_of({"choices": [choice]})) + events.end()

    assert b'"stop_reason":"tool_use"' in shown
    assert message["stop_reason"] == "tool_use"
