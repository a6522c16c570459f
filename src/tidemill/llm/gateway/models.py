"""What is asked of whom; no I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from tidemill.llm.aliases.models import Parameters
from tidemill.llm.contract import AliasId, ProviderId
from tidemill.llm.errors import InvalidModelRequest

model_name_chars_max: Final = 300


class Operation(StrEnum):
    """What a model is asked for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"


_PATHS: Final = {
    Operation.CHAT: "/chat/completions",
    Operation.COMPLETION: "/completions",
    Operation.EMBEDDING: "/embeddings",
}
_NEEDED: Final[dict[Operation, tuple[str, tuple[type, ...]]]] = {
    Operation.CHAT: ("messages", (list,)),
    Operation.COMPLETION: ("prompt", (str, list)),
    Operation.EMBEDDING: ("input", (str, list)),
}
_STREAMED: Final = frozenset({Operation.CHAT, Operation.COMPLETION})


class Target(Struct, frozen=True, kw_only=True):
    """A deployment that can answer, with the key of its provider in the clear."""

    provider_id: ProviderId
    provider_name: str
    base_url: str
    key: str | None
    model: str

    def headers(self) -> dict[str, str]:
        """Return what the provider is shown."""
        headers = {"content-type": "application/json", "user-agent": "tidemill"}
        return headers if self.key is None else headers | {"authorization": f"Bearer {self.key}"}

    def url(self, operation: Operation) -> str:
        """Return where the operation is asked for."""
        return self.base_url + _PATHS[operation]


class Route(Struct, frozen=True, kw_only=True):
    """What a name leads to: deployments in their order, and what their requests are given."""

    alias_id: AliasId | None
    targets: tuple[Target, ...]
    parameters: Parameters = Parameters()


class ModelRequest(Struct, frozen=True, kw_only=True):
    """A request of OpenAI's dialect, as far as the gateway must know it."""

    operation: Operation
    body: dict[str, Any]
    model: str
    stream: bool
    hide_usage: bool

    def for_target(self, route: Route, target: Target) -> bytes:
        """Return the body for a deployment: its model, and the alias's parameters beneath."""
        defaults: dict[str, Any] = {}
        if self.operation in _STREAMED:
            defaults = msgspec.to_builtins(route.parameters)
        body = {**defaults, **self.body, "model": target.model}
        if self.stream and self.hide_usage:
            options = self.body.get("stream_options")
            told = options if isinstance(options, dict) else {}
            body["stream_options"] = {**told, "include_usage": True}
        return msgspec.json.encode(body)


def model_request(operation: Operation, body: dict[str, Any]) -> ModelRequest:
    """Return what a body asks for; raises `InvalidModelRequest`."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidModelRequest("model", "model is missing; GET /v1/models lists what there is.")
    if len(model) > model_name_chars_max:
        raise InvalidModelRequest(
            "model", f"A model's name has at most {model_name_chars_max} characters."
        )
    name, kinds = _NEEDED[operation]
    if not isinstance(body.get(name), kinds) or not body[name]:
        wanted = "text or a list" if str in kinds else "a list"
        raise InvalidModelRequest(name, f"{name} must be {wanted} that is not empty.")
    stream = body.get("stream", False)
    if not isinstance(stream, bool | None):
        raise InvalidModelRequest("stream", "stream must be true or false.")
    is_stream = bool(stream) and operation in _STREAMED
    options = body.get("stream_options")
    asks = isinstance(options, dict) and options.get("include_usage") is True
    return ModelRequest(
        operation=operation,
        body=body,
        model=model,
        stream=is_stream,
        hide_usage=is_stream and not asks,
    )
