"""The official SDK of OpenAI, unmodified, against the application behind a real socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio
import httpx
import openai
import pytest

from tests.integration.llm.served import ledger_of, served, token_of

pytestmark = pytest.mark.anyio

MESSAGES: Any = [{"role": "user", "content": "When?"}]


async def test_the_sdk_chats_streams_embeds_and_lists_models(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, app, _):
        token = await token_of(app, "llm:chat", "llm:embed")
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client:
            said = await client.chat.completions.create(model="fast", messages=MESSAGES)
            stream = await client.chat.completions.create(
                model="fast", messages=MESSAGES, stream=True
            )
            parts = [chunk.choices[0].delta.content async for chunk in stream]
            vectors = await client.embeddings.create(
                model="fast", input="tide", encoding_format="float"
            )
            models = [model.id async for model in client.models.list()]

    assert said.choices[0].message.content == "The tide turns."
    assert said.usage is not None
    assert said.usage.total_tokens == 10
    assert parts == ["The ", "tide ", "turns."]
    assert vectors.data[0].embedding == [0.5, 0.25]
    assert models == ["fast"]


async def test_the_sdk_raises_the_errors_that_it_knows(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, app, models):
        token = await token_of(app, "llm:chat")
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client:
            with pytest.raises(openai.NotFoundError, match="Did you mean fast"):
                await client.chat.completions.create(model="fats", messages=MESSAGES)
            with pytest.raises(openai.PermissionDeniedError):
                await client.embeddings.create(model="fast", input="tide")
            models.refuses = 429
            with pytest.raises(openai.RateLimitError):
                await client.chat.completions.create(model="fast", messages=MESSAGES)
            models.refuses = None
            models.breaks_after = 2
            stream = await client.chat.completions.create(
                model="fast", messages=MESSAGES, stream=True
            )
            with pytest.raises(openai.APIError, match="broke off"):
                _ = [chunk async for chunk in stream]
        async with openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="sk-none", max_retries=0
        ) as client:
            with pytest.raises(openai.AuthenticationError):
                await client.models.list()


@pytest.mark.parametrize("is_stream", [True, False])
async def test_a_client_that_leaves_stops_the_provider(tmp_path: Path, is_stream: bool) -> None:
    async with served(tmp_path) as (url, app, models):
        token = await token_of(app, "llm:chat")
        models.pauses = True
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client:
            asking = asyncio.ensure_future(_begin(client, is_stream=is_stream))
            with anyio.fail_after(20):
                await models.reached.wait()
            if is_stream:
                stream = await asking
                await anext(stream)
                await stream.close()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            with anyio.fail_after(20):
                await models.left.wait()
            rows = await ledger_of(app, of=1)

    assert [(row["outcome"], row["estimated"]) for row in rows] == [("cancelled", True)]
    assert models.sent < 3


async def _begin(client: openai.AsyncOpenAI, *, is_stream: bool) -> Any:
    return await client.chat.completions.create(model="fast", messages=MESSAGES, stream=is_stream)


TOOLS: Any = [{"type": "function", "function": {"name": "tide", "parameters": {"type": "object"}}}]

TURNS: Any = [
    {"role": "system", "content": "Be short."},
    *MESSAGES,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "t0", "type": "function", "function": {"name": "tide", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "t0", "content": "12:04"},
]


async def test_the_sdk_speaks_to_a_provider_of_anthropics_dialect(tmp_path: Path) -> None:
    async with served(tmp_path, "anthropic") as (url, app, models):
        token = await token_of(app, "llm:chat")
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token) as client:
            said = await client.chat.completions.create(
                model="fast", messages=TURNS, tools=TOOLS, stop=["."]
            )
            stream = await client.chat.completions.create(
                model="fast",
                messages=MESSAGES,
                stream=True,
                stream_options={"include_usage": True},
            )
            chunks = [chunk async for chunk in stream]
            with pytest.raises(openai.BadRequestError, match="has no n"):
                await client.chat.completions.create(model="fast", messages=MESSAGES, n=2)
        rows = await ledger_of(app, of=3)

    assert models.asked[0] == {
        "model": "m",
        "max_tokens": 4096,
        "system": "Be short.",
        "stop_sequences": ["."],
        "tools": [{"name": "tide", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "When?"}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t0", "name": "tide", "input": {}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t0", "content": "12:04"}],
            },
        ],
    }
    message = said.choices[0].message
    assert message.content == "I look."
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.type == "function"
    assert call.function.arguments == '{"port":"Husum"}'
    assert said.choices[0].finish_reason == "tool_calls"
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "I look."
    called = [one.choices[0].delta.tool_calls for one in chunks if one.choices]
    arguments = [one[0].function.arguments for one in called if one and one[0].function]
    assert arguments == ["", '{"port": "Husum"}']
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (7, 3)
    assert [(row["input_tokens"], row["cached_tokens"], row["output_tokens"]) for row in rows][
        1:
    ] == [(7, 2, 3), (7, 2, 3)]


async def test_a_program_that_leaves_after_the_last_event_has_its_whole_answer(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as (url, app, models):
        models.lingers = True
        token = await token_of(app, "llm:chat")
        headers = {"authorization": f"Bearer {token}"}
        body = {"model": "fast", "messages": [{"role": "user", "content": "When?"}]}
        async with (
            httpx.AsyncClient(base_url=url, headers=headers) as client,
            client.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as answer,
        ):
            async for line in answer.aiter_lines():
                if line == "data: [DONE]":
                    break
        (row,) = await ledger_of(app, of=1)

    assert (row["outcome"], row["output_tokens"], row["estimated"]) == ("ok", 3, False)
