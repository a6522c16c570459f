"""How aliases look on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.llm.aliases.models import Alias, Deployment
from tidemill.llm.contract import ProviderId

_Name = Annotated[str, Meta(min_length=1, examples=["fast"])]
_Parameters = Annotated[
    dict[str, Any],
    Meta(
        description="Given to requests that do not say it themselves.",
        examples=[{"temperature": 0.2}],
    ),
]


class DeploymentBody(Body, frozen=True, kw_only=True):
    """A model of a provider."""

    provider_id: Annotated[str, Meta(min_length=1)]
    model: Annotated[str, Meta(min_length=1, examples=["gpt-5-mini"])]

    def value(self) -> Deployment:
        """Return it as the service takes it."""
        return Deployment(provider_id=ProviderId(self.provider_id), model=self.model)


_Deployments = Annotated[
    list[DeploymentBody],
    Meta(min_length=1, description="In the order in which they are asked."),
]


class CreateAlias(Body, frozen=True, kw_only=True):
    """A name that clients ask for, and what is behind it."""

    name: _Name
    deployments: _Deployments
    parameters: _Parameters = field(default_factory=dict)


class ChangeAlias(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    name: _Name | UnsetType = UNSET
    deployments: _Deployments | UnsetType = UNSET
    parameters: _Parameters | UnsetType = UNSET


class DeploymentView(View, frozen=True, kw_only=True):
    """A model of a provider."""

    provider_id: str
    model: str


class AliasView(View, frozen=True, kw_only=True):
    """A name that clients ask for, with its deployments in the order in which they are asked."""

    id: str
    name: str
    deployments: list[DeploymentView]
    parameters: dict[str, Any]
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, alias: Alias) -> Self:
        """Return the view of `alias`."""
        return cls(
            id=alias.id,
            name=alias.name,
            deployments=[
                DeploymentView(provider_id=one.provider_id, model=one.model)
                for one in alias.deployments
            ],
            parameters=msgspec.to_builtins(alias.parameters),
            version=alias.version,
            created_at=rfc3339(alias.created_at),
            created_by=alias.created_by,
            updated_at=rfc3339(alias.updated_at),
            updated_by=alias.updated_by,
        )


class AliasPage(PageView, frozen=True, kw_only=True):
    """A part of the list of aliases, by name."""

    items: list[AliasView]
