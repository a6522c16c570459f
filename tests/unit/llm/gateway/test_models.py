"""What is asked of whom, whatever clients send."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.llm.contract import ProviderId
from tidemill.llm.dialects.anthropic.codec import AnthropicCodec
from tidemill.llm.dialects.codec import ClientCodec, Operation
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.dialects.ollama.codec import OllamaChat, OllamaPrompt
from tidemill.llm.dialects.openai.codec import OpenAICodec
from tidemill.llm.errors import InvalidModelRequest
from tidemill.llm.gateway.models import Route, Target, model_request

_FUNCTION = {"name": "tide", "description": "When", "parameters": {"type": "object"}}
_CALL = {"id": "c1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}
_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}
_OPENAI = {
    "model": "fast",
    "messages": [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "When?"}, _IMAGE]},
        {"role": "assistant", "content": None, "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "12:04"},
    ],
    "max_tokens": 9,
    "stop": ["x"],
    "tools": [{"type": "function", "function": _FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "tide"}},
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "stream": True,
    "stream_options": {"include_usage": True},
    "user": "u",
    "n": 1,
}
_ANTHROPIC = {
    "model": "fast",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "Be short."}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "When?"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "eA=="},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "tool_use", "id": "t", "name": "tide", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "content": [{"type": "text", "text": "12:04"}],
                }
            ],
        },
    ],
    "stop_sequences": ["x"],
    "tools": [{"name": "tide", "description": "When", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "tool", "name": "tide"},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "metadata": {"user_id": "u"},
    "stream": True,
}
_OLLAMA = {
    "model": "fast",
    "messages": [
        {"role": "user", "content": "When?", "images": ["iVBORw0KGgo="]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "tide", "arguments": {"a": 1}}}],
        },
        {"role": "tool", "content": "12:04"},
    ],
    "options": {"num_predict": 9, "stop": ["x"]},
    "tools": [{"type": "function", "function": _FUNCTION}],
    "think": "low",
    "stream": True,
}
_PROMPT = {"model": "fast", "prompt": "When?", "system": "Be short.", "images": ["iVBORw0KGgo="]}
_CASES: list[tuple[ClientCodec, dict[str, Any], Dialect]] = [
    (OpenAICodec(), _OPENAI, Dialect.ANTHROPIC),
    (OpenAICodec(), _OPENAI, Dialect.OPENAI),
    (AnthropicCodec(), _ANTHROPIC, Dialect.OPENAI),
    (OllamaChat(), _OLLAMA, Dialect.OPENAI),
    (OllamaChat(), _OLLAMA, Dialect.ANTHROPIC),
    (OllamaPrompt(), _PROMPT, Dialect.ANTHROPIC),
]
_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0.5, "", "x", [], {}, [None], [1], ["x"], [{}], [[]], {"type": 1}, {"x": {}}]
)


def target(dialect: Dialect) -> Target:
    return Target(
        provider_id=ProviderId("p"),
        provider_name="near",
        dialect=dialect,
        base_url="https://models.example/v1",
        key=None,
        model="m",
    )


def asked(codec: ClientCodec, body: dict[str, Any], dialect: Dialect) -> bytes:
    request = model_request(Operation.CHAT, codec, body)
    return request.for_target(Route(alias_id=None, targets=()), target(dialect))


def refused_field(codec: ClientCodec, body: dict[str, Any], dialect: Dialect) -> str | None:
    """Return the field that is refused, or None where all is taken."""
    try:
        asked(codec, body, dialect)
    except InvalidModelRequest as error:
        return error.param or ""
    return None


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inner:
        yield (*before, key)
        if isinstance(one, dict | list):
            yield from places(one, (*before, key))


@pytest.mark.parametrize(("codec", "body", "dialect"), _CASES)
@given(data=st.data())
def test_for_target_refuses_a_misshapen_body_by_its_field(
    codec: ClientCodec, body: dict[str, Any], dialect: Dialect, data: st.DataObject
) -> None:
    assert msgspec.json.decode(asked(codec, body, dialect))["model"] == "m"
    changed = copy.deepcopy(body)
    *way, last = data.draw(st.sampled_from(list(places(body))))
    inner: Any = changed
    for key in way:
        inner = inner[key]
    inner[last] = data.draw(_ODD)

    assert refused_field(codec, changed, dialect) != ""


@pytest.mark.parametrize("model", ["near/a\r\nset-cookie: a=b", "fast\x00", "a b", "é"])
def test_model_request_refuses_names_that_fit_into_no_header(model: str) -> None:
    with pytest.raises(InvalidModelRequest) as refused:
        model_request(Operation.CHAT, OpenAICodec(), {**_OPENAI, "model": model})

    assert refused.value.param == "model"
