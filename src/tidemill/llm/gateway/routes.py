"""HTTP of models, in OpenAI's dialect.

Source: https://platform.openai.com/docs/api-reference.
"""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ASGIApp

from tidemill.core.actor import Actor
from tidemill.http import get, post
from tidemill.http.errors import ERROR_BODY
from tidemill.llm.dialects.catalog import CODECS
from tidemill.llm.dialects.codec import Json, Operation
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.errors import ModelNotFound
from tidemill.llm.gateway.models import model_request
from tidemill.llm.gateway.relaying import Gateway
from tidemill.llm.gateway.schemas import ModelListView, ModelView
from tidemill.llm.gateway.service import RoutingService
from tidemill.llm.permissions import CHAT, EMBED, READ_MODELS


def _described(dialect: Dialect = Dialect.OPENAI) -> dict[str, Any]:
    answer = ResponseSpec(
        dict[str, Any],
        description="What the provider answers; with `stream` as events.",
        generate_examples=False,
    )
    return {
        "tags": ["Models"],
        "status_code": 200,
        # What is compressed waits until there is much of it, so no word would come as it is said.
        "opt": {"root": True, "stream": True, ERROR_BODY: CODECS[dialect].error},
        "responses": {200: answer},
    }


class Relayed(Response[Any]):
    """An answer that an ASGI application of its own gives."""

    def __init__(self, application: ASGIApp) -> None:
        super().__init__(None)
        self._application = application

    def to_asgi_response(self, *given: Any, **options: Any) -> ASGIApp:  # type: ignore[override]  # a plain ASGI application is all that is used
        """See `Response.to_asgi_response`."""
        del given, options
        return self._application


@post("/v1/chat/completions", CHAT, **_described())
async def create_chat_completion(
    data: dict[str, Any], actor: Actor, llm_gateway: Gateway
) -> Relayed:
    """Let a model answer messages, at once or as a stream of events.

    `model` is an alias or `PROVIDER/MODEL`. What the gateway does not know itself is passed on.
    """
    return await _relayed(Operation.CHAT, data, actor, llm_gateway)


@post("/v1/completions", CHAT, **_described())
async def create_completion(data: dict[str, Any], actor: Actor, llm_gateway: Gateway) -> Relayed:
    """Let a model go on with a text, at once or as a stream of events."""
    return await _relayed(Operation.COMPLETION, data, actor, llm_gateway)


@post("/v1/embeddings", EMBED, **_described())
async def create_embedding(data: dict[str, Any], actor: Actor, llm_gateway: Gateway) -> Relayed:
    """Let a model turn texts into vectors."""
    return await _relayed(Operation.EMBEDDING, data, actor, llm_gateway)


@get("/v1/models", READ_MODELS, tags=["Models"], opt={"root": True})
async def list_models(actor: Actor, llm_routing: RoutingService) -> ModelListView:
    """List the names that can be asked for. All of them: OpenAI's clients know no pages here."""
    aliases = await llm_routing.aliases(actor=actor)
    return ModelListView(data=[ModelView.of(alias) for alias in aliases])


@get("/v1/models/{model:str}", READ_MODELS, tags=["Models"], opt={"root": True})
async def get_model(model: str, actor: Actor, llm_routing: RoutingService) -> ModelView:
    """Read a name that can be asked for."""
    aliases = await llm_routing.aliases(actor=actor)
    found = next((one for one in aliases if one.name == model), None)
    if found is None:
        raise ModelNotFound(model, [one.name for one in aliases])
    return ModelView.of(found)


@post("/v1/messages", CHAT, **_described(Dialect.ANTHROPIC))
async def create_message(data: dict[str, Any], actor: Actor, llm_gateway: Gateway) -> Relayed:
    """Let a model answer messages in Anthropic's dialect; errors have its shape, too.

    The token may come as `x-api-key`.
    """
    return await _relayed(Operation.CHAT, data, actor, llm_gateway, Dialect.ANTHROPIC)


async def _relayed(
    operation: Operation,
    body: Json,
    actor: Actor,
    gateway: Gateway,
    dialect: Dialect = Dialect.OPENAI,
) -> Relayed:
    request = model_request(operation, dialect, body)
    return Relayed(await gateway.relay(request, actor=actor))


ROUTES = (
    create_chat_completion,
    create_completion,
    create_embedding,
    create_message,
    list_models,
    get_model,
)
