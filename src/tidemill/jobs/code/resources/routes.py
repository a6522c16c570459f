"""HTTP of resources and their types."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Tagged, composed, delete, get, put
from tidemill.jobs.code.resources.schemas import (
    PutResource,
    PutResourceType,
    ResolvedView,
    ResourcePage,
    ResourceTypePage,
    ResourceTypeView,
    ResourceView,
)
from tidemill.jobs.code.resources.service import ResourceService, ResourceTypeService
from tidemill.jobs.code.variables.routes import UNKEPT, Path
from tidemill.jobs.permissions import READ_RESOURCES, READ_VALUES, WRITE_RESOURCES


@get("/resources", READ_RESOURCES)
async def list_resources(
    page: PageRequest, actor: Actor, resources: ResourceService
) -> ResourcePage:
    """List resources by path, without their values."""
    found = await resources.list(page, actor=actor)
    return ResourcePage(
        items=[ResourceView.of(resource, shown=False) for resource in found.items],
        next_cursor=found.next_cursor,
    )


@get("/resources/value", READ_VALUES)
async def get_resource_value(
    wanted: Path, actor: Actor, resources: ResourceService
) -> Response[ResolvedView]:
    """Read the value of a resource with what it refers to; secrets in it are audited."""
    resolved = await resources.value(wanted, actor=actor)
    view = ResolvedView(
        path=wanted.strip("/"), value=resolved.value, secrets=list(resolved.secrets)
    )
    return Response(view, headers=UNKEPT)


@get("/resources/{path:path}", READ_VALUES)
async def get_resource(
    path: str, actor: Actor, resources: ResourceService, request: Request[Any, Any, Any]
) -> Tagged[ResourceView]:
    """Read a resource as it was written, with its references."""
    resource = await resources.get(path, actor=actor)
    view = ResourceView.of(resource, shown=True)
    return composed(view, version=resource.version, request=request, born=resource.created_at)


@put("/resources/{path:path}", WRITE_RESOURCES)
async def put_resource(
    *,
    path: str,
    data: PutResource,
    actor: Actor,
    expected_version: int | None,
    resources: ResourceService,
    request: Request[Any, Any, Any],
) -> Tagged[ResourceView]:
    """Make a resource, or change it; its value fits its type."""
    resource = await resources.put(
        path,
        data.value,
        type_=data.type,
        description=data.description,
        expected_version=expected_version,
        actor=actor,
    )
    view = ResourceView.of(resource, shown=True)
    return composed(view, version=resource.version, request=request, born=resource.created_at)


@delete("/resources/{path:path}", WRITE_RESOURCES)
async def delete_resource(
    path: str, actor: Actor, expected_version: int | None, resources: ResourceService
) -> None:
    """Delete a resource to which no other refers."""
    await resources.delete(path, expected_version=expected_version, actor=actor)


@get("/resource-types", READ_RESOURCES)
async def list_resource_types(
    page: PageRequest, actor: Actor, resource_types: ResourceTypeService
) -> ResourceTypePage:
    """List types by name, those built in among them."""
    found = await resource_types.list(page, actor=actor)
    return ResourceTypePage(
        items=[ResourceTypeView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


@get("/resource-types/{name:str}", READ_RESOURCES)
async def get_resource_type(
    name: str, actor: Actor, resource_types: ResourceTypeService, request: Request[Any, Any, Any]
) -> Tagged[ResourceTypeView]:
    """Read a type."""
    found = await resource_types.get(name, actor=actor)
    return composed(
        ResourceTypeView.of(found), version=found.version, request=request, born=found.created_at
    )


@put("/resource-types/{name:str}", WRITE_RESOURCES)
async def put_resource_type(
    *,
    name: str,
    data: PutResourceType,
    actor: Actor,
    expected_version: int | None,
    resource_types: ResourceTypeService,
    request: Request[Any, Any, Any],
) -> Tagged[ResourceTypeView]:
    """Make a type, or change it; resources that are there keep their values."""
    made = await resource_types.put(
        name,
        data.schema,
        description=data.description,
        expected_version=expected_version,
        actor=actor,
    )
    return composed(
        ResourceTypeView.of(made), version=made.version, request=request, born=made.created_at
    )


@delete("/resource-types/{name:str}", WRITE_RESOURCES)
async def delete_resource_type(
    name: str,
    actor: Actor,
    expected_version: int | None,
    resource_types: ResourceTypeService,
) -> None:
    """Delete a type that no resource has."""
    await resource_types.delete(name, expected_version=expected_version, actor=actor)


ROUTES = (
    list_resources,
    get_resource_value,
    get_resource,
    put_resource,
    delete_resource,
    list_resource_types,
    get_resource_type,
    put_resource_type,
    delete_resource_type,
)
