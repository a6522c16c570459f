"""The official SDK of OpenAI, unmodified, against the application behind a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import openai
import pytest

from tests.fixtures.app import App, make_app
from tests.fixtures.model_server import ModelServer, an_alias_of, model_server
from tidemill.api.http_server import http_server, listen_on
from tidemill.core.config.sections.reaching import Llm

pytestmark = pytest.mark.anyio

MESSAGES: Any = [{"role": "user", "content": "When?"}]


@asynccontextmanager
async def served(tmp_path: Path) -> AsyncIterator[tuple[str, App, ModelServer]]:
    """The address of an application with the alias `fast`, a token's owner, and the models."""
    async with (
        model_server() as models,
        make_app(tmp_path, llm=Llm(addresses_allowed=("127.0.0.1",))) as app,
    ):
        await an_alias_of(app.owner, "fast", models.url)
        listening = listen_on("127.0.0.1", 0)
        server = http_server(app.application.asgi, stop_seconds_max=1)
        running = asyncio.ensure_future(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", app, models
        finally:
            server.should_exit = True
            await running


async def token_of(app: App, *scopes: str) -> str:
    body = {"name": "sdk", "scopes": list(scopes)}
    made = await app.owner.post("/api/v1/api-tokens", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


async def test_the_sdk_chats_streams_embeds_and_lists_models(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, app, _):
        token = await token_of(app, "llm:chat", "llm:embed")
        async with openai.AsyncOpenAI(base_url=url, api_key=token, max_retries=0) as client:
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
        async with openai.AsyncOpenAI(base_url=url, api_key=token, max_retries=0) as client:
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
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-none", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError):
                await client.models.list()


@pytest.mark.parametrize("is_stream", [True, False])
async def test_a_client_that_leaves_stops_the_provider(tmp_path: Path, is_stream: bool) -> None:
    async with served(tmp_path) as (url, app, models):
        token = await token_of(app, "llm:chat")
        models.pauses = True
        async with openai.AsyncOpenAI(base_url=url, api_key=token, max_retries=0) as client:
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
            rows = await _ledger(app)

    assert [(row["outcome"], row["estimated"]) for row in rows] == [("cancelled", True)]
    assert models.sent < 3


async def _begin(client: openai.AsyncOpenAI, *, is_stream: bool) -> Any:
    return await client.chat.completions.create(model="fast", messages=MESSAGES, stream=is_stream)


async def _ledger(app: App) -> list[dict[str, Any]]:
    """Return the ledger as soon as it has a row."""
    with anyio.fail_after(20):
        while True:
            answer = await app.owner.get("/api/v1/llm/requests")
            if found := answer.json()["items"]:
                return list(found)
            await anyio.sleep(0.02)
