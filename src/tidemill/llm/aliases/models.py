"""An alias, its deployments and the rules of its fields; no I/O."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tidemill.core.clock import Instant
from tidemill.core.wording import told
from tidemill.llm.contract import AliasId, ProviderId
from tidemill.llm.errors import InvalidAlias

aliases_max: Final = 500
deployments_max: Final = 16
model_chars_max: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}")
_MODEL: Final = re.compile(r"[!-~]+")


class Parameters(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a request is given where it does not say it itself, by the names of OpenAI's dialect.

    Source: https://platform.openai.com/docs/api-reference/chat/create.
    """

    temperature: Annotated[float, Meta(ge=0, le=2)] | UnsetType = UNSET
    top_p: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    max_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | UnsetType = UNSET
    max_completion_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | UnsetType = UNSET
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | UnsetType = UNSET
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: Annotated[list[str], Meta(max_length=4)] | UnsetType = UNSET
    reasoning_effort: Annotated[str, Meta(min_length=1, max_length=20)] | UnsetType = UNSET


class Deployment(Struct, frozen=True, kw_only=True):
    """One provider's offer of a model behind an alias; the first that answers is taken."""

    provider_id: ProviderId
    model: str


class Alias(Struct, frozen=True, kw_only=True):
    """A name that clients ask for, with its deployments in the order in which they are asked."""

    id: AliasId
    name: str
    parameters: Parameters
    deployments: tuple[Deployment, ...]
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str

    def told(self) -> dict[str, object]:
        """Return what the audit log keeps."""
        return {
            "name": self.name,
            "parameters": msgspec.to_builtins(self.parameters),
            "deployments": msgspec.to_builtins(self.deployments),
            "version": self.version,
        }


class NewAlias(Struct, frozen=True, kw_only=True):
    """What a caller gives to make an alias."""

    name: str
    deployments: tuple[Deployment, ...]
    parameters: dict[str, Any] = {}


class AliasChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays, and what is given replaces all of its kind."""

    name: str | UnsetType = UNSET
    deployments: tuple[Deployment, ...] | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET


def valid_name(name: str) -> str:
    """Return a name that no model of a provider can have; raises `InvalidAlias`."""
    if not _NAME.fullmatch(name):
        raise InvalidAlias(
            "name",
            "The name has 1 to 128 of A-Z, a-z, 0-9, '_', '.', ':', '@' and '-', such as "
            "gpt-5-mini; PROVIDER/MODEL is what a provider itself offers.",
        )
    return name


def valid_deployments(deployments: tuple[Deployment, ...]) -> tuple[Deployment, ...]:
    """Return deployments whose models can be asked for; raises `InvalidAlias`."""
    if not 1 <= len(deployments) <= deployments_max:
        raise InvalidAlias("deployments", f"An alias has 1 to {deployments_max} deployments.")
    for place, one in enumerate(deployments):
        if len(one.model) > model_chars_max or not _MODEL.fullmatch(one.model):
            raise InvalidAlias(
                f"deployments[{place}].model",
                f"A model's name has 1 to {model_chars_max} printable characters and no blank.",
            )
    if len(set(deployments)) < len(deployments):
        raise InvalidAlias("deployments", "The same model of one provider stands there twice.")
    return deployments


def valid_parameters(given: dict[str, Any]) -> Parameters:
    """Return the parameters of requests; raises `InvalidAlias` with the nearest right name."""
    known = Parameters.__struct_fields__
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name[:60], known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
            raise InvalidAlias(f"parameters.{name[:60]}", f"There is no such parameter. {hint}")
    try:
        return msgspec.convert(given, Parameters)
    except msgspec.ValidationError as error:
        raise InvalidAlias("parameters", told(error)) from None
