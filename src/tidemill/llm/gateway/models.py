"""What is asked of whom; no I/O."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.llm.aliases.models import Parameters
from tidemill.llm.contract import AliasId, ProviderId
from tidemill.llm.dialects.catalog import PROVIDERS
from tidemill.llm.dialects.codec import ClientCodec, Json, Operation, Passing, ProviderCodec
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.dialects.translated import TranslatedEvents
from tidemill.llm.errors import InvalidModelRequest

model_name_chars_max: Final = 300
_MODEL: Final = re.compile(r"[!-~]+")
_HIDDEN: Final = "[key]"
_STREAMED: Final = frozenset({Operation.CHAT, Operation.COMPLETION})


class Target(Struct, frozen=True, kw_only=True):
    """A deployment that can answer, with the key of its provider in the clear."""

    provider_id: ProviderId
    provider_name: str
    dialect: Dialect
    base_url: str
    key: str | None
    model: str

    @property
    def codec(self) -> ProviderCodec:
        """Return what its provider speaks."""
        return PROVIDERS[self.dialect]

    def headers(self) -> dict[str, str]:
        """Return what the provider is shown."""
        # Without a word on encodings a server may choose one, and bytes pass as they are.
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "tidemill",
        }
        return headers | self.codec.headers(self.key)

    def without_key(self, said: str) -> str:
        """Return what the provider said, without its key: some repeat what they were shown."""
        return said if self.key is None else said.replace(self.key, _HIDDEN)

    def url(self, operation: Operation) -> str:
        """Return where the operation is asked for; raises `InvalidModelRequest`."""
        return self.base_url + self.codec.path(operation)


class Route(Struct, frozen=True, kw_only=True):
    """What a name leads to: deployments in their order, and what their requests are given."""

    alias_id: AliasId | None
    targets: tuple[Target, ...]
    parameters: Parameters = Parameters()


class ModelRequest(Struct, frozen=True, kw_only=True):
    """A request in the dialect of its client, as far as the gateway must know it."""

    operation: Operation
    codec: ClientCodec
    body: Json
    model: str
    stream: bool
    hide_usage: bool

    def is_passed_to(self, target: Target) -> bool:
        """Return whether client and provider understand each other without us."""
        return self.codec.dialect is target.dialect

    def for_target(self, route: Route, target: Target) -> bytes:
        """Return the body for a deployment: its model, and the alias's parameters beneath.

        Raises `InvalidModelRequest` for what its provider has no like of.
        """
        body = self.body
        if self.operation in _STREAMED:
            body = self.codec.with_defaults(body, msgspec.to_builtins(route.parameters))
        body = {**body, "model": target.model}
        if not self.is_passed_to(target):
            body = self.codec.request_to_chat(body)
            body = target.codec.request_of_chat(body)
        elif self.stream:
            body = target.codec.counted(body)
        return msgspec.json.encode(body)

    def events_of(self, target: Target, created: int) -> Passing:
        """Return the way of a stream from a deployment to the client."""
        if self.is_passed_to(target):
            return target.codec.passing(hide_usage=self.hide_usage)
        return TranslatedEvents(
            target.codec.reader(created), self.codec.writer(hide_usage=self.hide_usage)
        )

    def answer_of(self, target: Target, answer: Json, created: int) -> Json:
        """Return a deployment's answer as the client expects it."""
        return self.codec.answer_of_chat(target.codec.answer_to_chat(answer, created))


def model_request(operation: Operation, codec: ClientCodec, body: Json) -> ModelRequest:
    """Return what a body asks for; raises `InvalidModelRequest`."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidModelRequest("model", "model is missing; GET /v1/models lists what there is.")
    if len(model) > model_name_chars_max:
        raise InvalidModelRequest(
            "model", f"A model's name has at most {model_name_chars_max} characters."
        )
    if not _MODEL.fullmatch(model):
        raise InvalidModelRequest(
            "model", "A model's name has printable characters of ASCII and no blank."
        )
    codec.check(operation, body)
    is_stream = operation in _STREAMED and codec.is_stream(body)
    return ModelRequest(
        operation=operation,
        codec=codec,
        body=body,
        model=model,
        stream=is_stream,
        hide_usage=is_stream and not codec.wants_usage(body),
    )
