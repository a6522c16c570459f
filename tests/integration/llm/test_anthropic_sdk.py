"""The official SDK of Anthropic, unmodified, against the application behind a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.integration.llm.served import ledger_of, served, token_of

pytestmark = pytest.mark.anyio

MESSAGES: Any = [{"role": "user", "content": "When?"}]
TOOLS: Any = [{"name": "tide", "input_schema": {"type": "object"}}]


async def test_the_sdk_speaks_to_a_provider_of_its_own_dialect(tmp_path: Path) -> None:
    async with served(tmp_path, "anthropic") as (url, app, models):
        token = await token_of(app, "llm:chat")
        async with anthropic.AsyncAnthropic(base_url=url, api_key=token) as client:
            said = await client.messages.create(model="fast", max_tokens=50, messages=MESSAGES)
            async with client.messages.stream(
                model="fast", max_tokens=50, messages=MESSAGES, tools=TOOLS
            ) as stream:
                streamed = await stream.get_final_message()
        rows = await ledger_of(app, of=2)

    assert [block.type for block in said.content] == ["text", "tool_use"]
    assert [block.type for block in streamed.content] == ["text", "tool_use"]
    assert streamed.usage.output_tokens == 3
    assert models.asked[1] == {
        "model": "m",
        "max_tokens": 50,
        "messages": MESSAGES,
        "tools": TOOLS,
        "stream": True,
    }
    assert [(row["input_tokens"], row["output_tokens"]) for row in rows] == [(7, 3), (7, 3)]


async def test_the_sdk_speaks_to_a_provider_of_openais_dialect(tmp_path: Path) -> None:
    turns: Any = [
        {"role": "user", "content": [{"type": "text", "text": "When?"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t0", "name": "tide", "input": {"a": 1}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t0", "content": "12:04"}],
        },
    ]
    async with served(tmp_path) as (url, app, models):
        token = await token_of(app, "llm:chat")
        async with anthropic.AsyncAnthropic(base_url=url, api_key=token) as client:
            said = await client.messages.create(
                model="fast", max_tokens=50, system="Be short.", messages=turns, tools=TOOLS
            )
            async with client.messages.stream(
                model="fast", max_tokens=50, messages=MESSAGES
            ) as stream:
                texts = [text async for text in stream.text_stream]
                streamed = await stream.get_final_message()
        rows = await ledger_of(app, of=2)

    assert models.asked[0]["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "When?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "t0",
                    "type": "function",
                    "function": {"name": "tide", "arguments": '{"a":1}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "t0", "content": "12:04"},
    ]
    assert said.content[0].type == "text"
    assert said.content[0].text == "The tide turns."
    assert (said.stop_reason, said.usage.input_tokens, said.usage.output_tokens) == (
        "end_turn",
        5,
        3,
    )
    assert texts == ["The ", "tide ", "turns."]
    assert streamed.usage.output_tokens == 3
    assert [row["output_tokens"] for row in rows] == [3, 3]


async def test_the_sdk_raises_the_errors_that_it_knows(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, app, models):
        token = await token_of(app, "llm:chat")
        async with anthropic.AsyncAnthropic(base_url=url, api_key=token, max_retries=0) as client:
            with pytest.raises(anthropic.NotFoundError, match="Did you mean fast") as missed:
                await client.messages.create(model="fats", max_tokens=5, messages=MESSAGES)
            models.refuses = 400
            with pytest.raises(anthropic.BadRequestError, match="refused the request: no"):
                await client.messages.create(model="fast", max_tokens=5, messages=MESSAGES)
            models.refuses = None
            models.breaks_after = 2
            with pytest.raises(anthropic.APIError, match="broke off"):
                async with client.messages.stream(
                    model="fast", max_tokens=5, messages=MESSAGES
                ) as stream:
                    await stream.get_final_message()
        async with anthropic.AsyncAnthropic(base_url=url, api_key="tmk_x", max_retries=0) as nobody:
            with pytest.raises(anthropic.AuthenticationError):
                await nobody.messages.create(model="fast", max_tokens=5, messages=MESSAGES)

    assert missed.value.response.headers["x-tidemill-error-code"] == "MODEL_NOT_FOUND"
    assert missed.value.response.json()["type"] == "error"
