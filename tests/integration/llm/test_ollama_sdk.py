"""The official SDK of Ollama, unmodified, against the application behind a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ollama
import pytest

from tests.integration.llm.served import ledger_of, served, token_of

pytestmark = pytest.mark.anyio

MESSAGES: Any = [{"role": "user", "content": "When?"}]


def client_of(url: str, token: str) -> ollama.AsyncClient:
    return ollama.AsyncClient(host=url, headers={"Authorization": f"Bearer {token}"})


async def test_the_sdk_chats_streams_generates_embeds_and_lists(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, app, models):
        client = client_of(url, await token_of(app, "llm:chat", "llm:embed"))
        said = await client.chat(
            model="fast", messages=MESSAGES, options={"temperature": 0.5, "num_predict": 9}
        )
        stream = await client.chat(model="fast", messages=MESSAGES, stream=True)
        parts = [part async for part in stream]
        answered = await client.generate(model="fast", prompt="When?", system="Be short.")
        vectors = await client.embed(model="fast", input="tide")
        listed = await client.list()
        shown = await client.show("fast")
        loaded = await client.ps()
        rows = await ledger_of(app, of=4)

    assert said.message.content == "The tide turns."
    assert (said.prompt_eval_count, said.eval_count, said.done_reason) == (7, 3, "stop")
    assert models.asked[0]["temperature"] == 0.5
    assert models.asked[0]["max_tokens"] == 9
    assert [part.message.content for part in parts] == ["The ", "tide ", "turns.", ""]
    assert (parts[-1].done, parts[-1].eval_count) == (True, 3)
    assert answered.response == "The tide turns."
    assert [one["role"] for one in models.asked[2]["messages"]] == ["system", "user"]
    assert list(vectors.embeddings[0]) == [0.5, 0.25]
    assert [one.model for one in listed.models] == ["fast"]
    assert shown.capabilities == ["completion"]
    assert list(loaded.models) == []
    assert [row["operation"] for row in rows] == ["embedding", "chat", "chat", "chat"]


async def test_the_sdk_calls_tools_of_a_provider_of_anthropics_dialect(tmp_path: Path) -> None:
    async with served(tmp_path, "anthropic") as (url, app, _):
        client = client_of(url, await token_of(app, "llm:chat"))
        said = await client.chat(model="fast", messages=MESSAGES)
        stream = await client.chat(model="fast", messages=MESSAGES, stream=True)
        parts = [part async for part in stream]

    assert said.message.tool_calls is not None
    assert said.message.tool_calls[0].function.arguments == {"port": "Husum"}
    assert parts[0].message.content == "I look."
    assert parts[1].message.tool_calls is not None
    assert parts[1].message.tool_calls[0].function.arguments == {"port": "Husum"}
    assert parts[-1].done


async def test_the_sdk_raises_the_errors_that_it_knows(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, app, models):
        client = client_of(url, await token_of(app, "llm:chat"))
        with pytest.raises(ollama.ResponseError, match="Did you mean fast") as missed:
            await client.chat(model="fats", messages=MESSAGES)
        with pytest.raises(ollama.ResponseError) as forbidden:
            await client.embed(model="fast", input="tide")
        models.breaks_after = 2
        with pytest.raises(ollama.ResponseError, match="broke off"):
            _ = [part async for part in await client.chat("fast", MESSAGES, stream=True)]

    assert (missed.value.status_code, forbidden.value.status_code) == (404, 403)
