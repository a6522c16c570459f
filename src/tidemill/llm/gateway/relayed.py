"""How routes of models are declared, and what they return."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ASGIApp

from tidemill.core.actor import Actor
from tidemill.http.errors import ERROR_BODY
from tidemill.http.routing import ERROR_SCHEMA
from tidemill.llm.dialects.codec import ClientCodec, Json, Operation
from tidemill.llm.gateway.models import model_request
from tidemill.llm.gateway.relaying import Gateway


class Relayed(Response[Any]):
    """An answer that an ASGI application of its own gives."""

    def __init__(self, application: ASGIApp) -> None:
        super().__init__(None)
        self._application = application

    def to_asgi_response(self, *given: Any, **options: Any) -> ASGIApp:  # type: ignore[override]  # a plain ASGI application is all that is used
        """See `Response.to_asgi_response`."""
        del given, options
        return self._application


def described(codec: ClientCodec) -> dict[str, Any]:
    """Return the options of a route whose answers, errors too, are of a dialect."""
    answer = ResponseSpec(
        dict[str, Any],
        description="What the model answers, at once or as a stream.",
        generate_examples=False,
    )
    return {
        "tags": ["Models"],
        "status_code": 200,
        # What is compressed waits until there is much of it, so no word would come as it is said.
        "opt": {
            "root": True,
            "stream": True,
            ERROR_BODY: codec.error,
            ERROR_SCHEMA: codec.error_schema,
        },
        "responses": {200: answer},
    }


async def relayed(
    operation: Operation, codec: ClientCodec, body: Json, *, actor: Actor, gateway: Gateway
) -> Relayed:
    """Return the answer to a request; raises what `model_request` and `Gateway.relay` do."""
    return Relayed(await gateway.relay(model_request(operation, codec, body), actor=actor))
