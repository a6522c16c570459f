"""Bodies of resources and their types."""

from __future__ import annotations

from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.jobs.code.resources.models import Resource, ResourceType
from tidemill.jobs.code.variables.schemas import Description


class PutResource(Body, frozen=True, kw_only=True):
    """A value of a type; texts such as `$var:mail/password` and `$res:db` refer to others."""

    type: Annotated[str, Meta(min_length=1, max_length=60)]
    value: Any
    description: Description = ""


class ResourceView(View, frozen=True, kw_only=True):
    """A resource as it was written, with its references; lists leave `value` out."""

    path: str
    type: str
    value: Any
    description: str
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, resource: Resource, *, shown: bool) -> Self:
        """Return the view of `resource`; `shown` says whether with its value."""
        return cls(
            path=resource.path,
            type=resource.type,
            value=msgspec.Raw(resource.value.encode()) if shown else None,
            description=resource.description,
            version=resource.version,
            created_at=rfc3339(resource.created_at),
            created_by=resource.created_by,
            updated_at=rfc3339(resource.updated_at),
            updated_by=resource.updated_by,
        )


class ResourcePage(PageView, frozen=True, kw_only=True):
    """A part of the list of resources, by path."""

    items: list[ResourceView]


class ResolvedView(View, frozen=True, kw_only=True):
    """A resource with what it refers to; `secrets` are the texts in it that no log may show."""

    path: str
    value: Any
    secrets: list[str]


class PutResourceType(Body, frozen=True, kw_only=True):
    """What resources of the type look like: JSON Schema 2020-12, which refers to itself only."""

    schema: dict[str, Any]
    description: Description = ""


class ResourceTypeView(View, frozen=True, kw_only=True):
    """A type; those built in have version 0."""

    name: str
    schema: dict[str, Any]
    description: str
    built_in: bool
    version: int

    @classmethod
    def of(cls, type_: ResourceType) -> Self:
        """Return the view of `type_`."""
        return cls(
            name=type_.name,
            schema=msgspec.json.decode(type_.schema),
            description=type_.description,
            built_in=type_.version == 0,
            version=type_.version,
        )


class ResourceTypePage(PageView, frozen=True, kw_only=True):
    """A part of the list of types, by name."""

    items: list[ResourceTypeView]
