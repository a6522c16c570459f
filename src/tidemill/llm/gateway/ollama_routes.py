"""HTTP of models, in Ollama's dialect.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tidemill import __version__
from tidemill.core.actor import Actor
from tidemill.core.clock import rfc3339
from tidemill.http import get, post
from tidemill.http.errors import ERROR_BODY
from tidemill.http.routing import ERROR_SCHEMA
from tidemill.llm.dialects.codec import Operation
from tidemill.llm.dialects.ollama.codec import OllamaChat, OllamaEmbedding, OllamaPrompt
from tidemill.llm.gateway.ollama_schemas import (
    OllamaModelDetail,
    OllamaModelListView,
    OllamaModelView,
    OllamaVersion,
    ShowOllamaModel,
)
from tidemill.llm.gateway.relayed import Relayed, described, relayed
from tidemill.llm.gateway.relaying import Gateway
from tidemill.llm.gateway.service import RoutingService
from tidemill.llm.permissions import CHAT, EMBED, READ_MODELS

_CHAT: Final = OllamaChat()
_PROMPT: Final = OllamaPrompt()
_EMBEDDING: Final = OllamaEmbedding()
_TOLD: Final[dict[str, Any]] = {
    "tags": ["Models"],
    "opt": {"root": True, ERROR_BODY: _CHAT.error, ERROR_SCHEMA: _CHAT.error_schema},
}


@post("/api/chat", CHAT, **described(_CHAT))
async def create_ollama_chat(data: dict[str, Any], actor: Actor, llm_gateway: Gateway) -> Relayed:
    """Let a model answer messages, as clients of Ollama ask for it."""
    return await relayed(Operation.CHAT, _CHAT, data, actor=actor, gateway=llm_gateway)


@post("/api/generate", CHAT, **described(_PROMPT))
async def create_ollama_answer(data: dict[str, Any], actor: Actor, llm_gateway: Gateway) -> Relayed:
    """Let a model answer a prompt, as clients of Ollama ask for it."""
    return await relayed(Operation.CHAT, _PROMPT, data, actor=actor, gateway=llm_gateway)


@post("/api/embed", EMBED, **described(_EMBEDDING))
async def create_ollama_embedding(
    data: dict[str, Any], actor: Actor, llm_gateway: Gateway
) -> Relayed:
    """Let a model turn texts into vectors, as clients of Ollama ask for it."""
    return await relayed(Operation.EMBEDDING, _EMBEDDING, data, actor=actor, gateway=llm_gateway)


@get("/api/tags", READ_MODELS, **_TOLD)
async def list_ollama_models(actor: Actor, llm_routing: RoutingService) -> OllamaModelListView:
    """List the names that can be asked for. All of them: Ollama's clients know no pages."""
    aliases = await llm_routing.aliases(actor=actor)
    return OllamaModelListView(models=[OllamaModelView.of(alias) for alias in aliases])


@get("/api/ps", READ_MODELS, **_TOLD)
async def list_loaded_ollama_models() -> OllamaModelListView:
    """List the models that are loaded here: none, since providers load theirs."""
    return OllamaModelListView(models=[])


@post("/api/show", READ_MODELS, status_code=200, **_TOLD)
async def show_ollama_model(
    data: ShowOllamaModel, actor: Actor, llm_routing: RoutingService
) -> OllamaModelDetail:
    """Tell of a name that can be asked for."""
    alias = await llm_routing.alias(data.model or data.name, actor=actor)
    given = msgspec.to_builtins(alias.parameters)
    return OllamaModelDetail(
        modified_at=rfc3339(alias.updated_at),
        parameters="\n".join(f"{name} {value}" for name, value in given.items()),
        capabilities=["completion"],
    )


@get("/api/version", READ_MODELS, **_TOLD)
async def get_ollama_version() -> OllamaVersion:
    """Tell the version of Tidemill."""
    return OllamaVersion(version=__version__)


ROUTES = (
    create_ollama_chat,
    create_ollama_answer,
    create_ollama_embedding,
    list_ollama_models,
    list_loaded_ollama_models,
    show_ollama_model,
    get_ollama_version,
)
