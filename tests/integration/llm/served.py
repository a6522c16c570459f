"""An application behind a real socket, with models behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from tests.fixtures.app import App, make_app
from tests.fixtures.model_server import ModelServer, an_alias_of, model_server
from tidemill.api.http_server import http_server, listen_on
from tidemill.core.config.sections.reaching import Llm


@asynccontextmanager
async def served(
    tmp_path: Path, dialect: str = "openai"
) -> AsyncIterator[tuple[str, App, ModelServer]]:
    """The address of an application, its owner, and the models behind the alias `fast`."""
    async with (
        model_server() as models,
        make_app(tmp_path, llm=Llm(addresses_allowed=("127.0.0.1",))) as app,
    ):
        await an_alias_of(app.owner, "fast", models.url, dialect)
        listening = listen_on("127.0.0.1", 0)
        server = http_server(app.application.asgi, stop_seconds_max=1)
        running = asyncio.ensure_future(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", app, models
        finally:
            server.should_exit = True
            await running


async def token_of(app: App, *scopes: str) -> str:
    """Return an API token of the owner with these scopes."""
    body = {"name": "sdk", "scopes": list(scopes)}
    made = await app.owner.post("/api/v1/api-tokens", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


async def ledger_of(app: App, *, of: int) -> list[dict[str, Any]]:
    """Return the ledger, newest first, as soon as it has so many rows: answers do not wait."""
    with anyio.fail_after(20):
        while True:
            answer = await app.owner.get("/api/v1/llm/requests")
            if len(found := answer.json()["items"]) >= of:
                return list(found)
            await anyio.sleep(0.02)
