"""An application with one provider and an alias, and what clients do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.fixtures.app import App, make_app
from tests.fixtures.model_server import ModelServer, model_server
from tests.fixtures.stores import StoresKind
from tidemill.core.config.sections.reaching import Llm

MESSAGES = [{"role": "user", "content": "When?"}]
KEY = "sk-a-key-of-the-provider"


@asynccontextmanager
async def gateway(
    tmp_path: Path, kind: StoresKind = "sqlite"
) -> AsyncIterator[tuple[App, ModelServer]]:
    """An application with one provider and the alias `fast`."""
    async with (
        model_server() as server,
        make_app(tmp_path, kind, llm=Llm(addresses_allowed=("127.0.0.1",))) as app,
    ):
        provider = await made(app, "providers", name="near", base_url=server.url, api_key=KEY)
        deployment = {"provider_id": provider["id"], "model": "tide-1"}
        await made(
            app, "aliases", name="fast", deployments=[deployment], parameters={"temperature": 0.2}
        )
        yield app, server


async def made(app: App, what: str, **body: Any) -> dict[str, Any]:
    answer = await app.owner.post(f"/api/v1/llm/{what}", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def chat(app: App, **body: Any) -> httpx.Response:
    return await app.owner.post("/v1/chat/completions", json={"messages": MESSAGES, **body})


async def ledger(app: App) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await app.owner.get("/api/v1/llm/requests")).json()["items"]
    return found
