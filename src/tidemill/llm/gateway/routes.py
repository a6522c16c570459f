"""HTTP of models, in OpenAI's dialect.

Source: https://platform.openai.com/docs/api-reference.
"""

from __future__ import annotations

from typing import Any, Final

from tidemill.core.actor import Actor
from tidemill.http import get, post
from tidemill.llm.dialects.anthropic.codec import AnthropicCodec
from tidemill.llm.dialects.codec import Operation
from tidemill.llm.dialects.openai.codec import OpenAICodec
from tidemill.llm.gateway.relayed import Relayed, described, relayed
from tidemill.llm.gateway.relaying import Gateway
from tidemill.llm.gateway.schemas import ModelListView, ModelView
from tidemill.llm.gateway.service import RoutingService
from tidemill.llm.permissions import CHAT, EMBED, READ_MODELS

_OPENAI: Final = OpenAICodec()
_ANTHROPIC: Final = AnthropicCodec()


@post("/v1/chat/completions", CHAT, **described(_OPENAI))
async def create_chat_completion(
    data: dict[str, Any], actor: Actor, llm_gateway: Gateway
) -> Relayed:
    """Let a model answer messages, at once or as a stream of events.

    `model` is an alias or `PROVIDER/MODEL`. What the gateway does not know itself is passed on.
    """
    return await relayed(Operation.CHAT, _OPENAI, data, actor=actor, gateway=llm_gateway)


@post("/v1/completions", CHAT, **described(_OPENAI))
async def create_completion(data: dict[str, Any], actor: Actor, llm_gateway: Gateway) -> Relayed:
    """Let a model go on with a text, at once or as a stream of events."""
    return await relayed(Operation.COMPLETION, _OPENAI, data, actor=actor, gateway=llm_gateway)


@post("/v1/embeddings", EMBED, **described(_OPENAI))
async def create_embedding(data: dict[str, Any], actor: Actor, llm_gateway: Gateway) -> Relayed:
    """Let a model turn texts into vectors."""
    return await relayed(Operation.EMBEDDING, _OPENAI, data, actor=actor, gateway=llm_gateway)


@get("/v1/models", READ_MODELS, tags=["Models"], opt={"root": True})
async def list_models(actor: Actor, llm_routing: RoutingService) -> ModelListView:
    """List the names that can be asked for. All of them: OpenAI's clients know no pages here."""
    aliases = await llm_routing.aliases(actor=actor)
    return ModelListView(data=[ModelView.of(alias) for alias in aliases])


@get("/v1/models/{model:str}", READ_MODELS, tags=["Models"], opt={"root": True})
async def get_model(model: str, actor: Actor, llm_routing: RoutingService) -> ModelView:
    """Read a name that can be asked for."""
    return ModelView.of(await llm_routing.alias(model, actor=actor))


@post("/v1/messages", CHAT, **described(_ANTHROPIC))
async def create_message(data: dict[str, Any], actor: Actor, llm_gateway: Gateway) -> Relayed:
    """Let a model answer messages in Anthropic's dialect; errors have its shape, too.

    The token may come as `x-api-key`.
    """
    return await relayed(Operation.CHAT, _ANTHROPIC, data, actor=actor, gateway=llm_gateway)


ROUTES = (
    create_chat_completion,
    create_completion,
    create_embedding,
    create_message,
    list_models,
    get_model,
)
