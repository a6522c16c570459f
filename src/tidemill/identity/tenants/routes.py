"""HTTP of tenants."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.core.ids import tenant_id as as_tenant_id
from tidemill.core.pages import PageRequest
from tidemill.http import Idempotency, Tagged, get, patch, post, single
from tidemill.identity.permissions import CHANGE_TENANTS, CREATE_TENANTS, READ_TENANTS
from tidemill.identity.tenants.models import Tenant, TenantChanges
from tidemill.identity.tenants.schemas import (
    ChangeTenant,
    CreateTenant,
    TenantMembershipView,
    TenantPage,
    TenantView,
)
from tidemill.identity.tenants.service import TenantService


@post("/tenants", CREATE_TENANTS)
async def create_tenant(
    data: CreateTenant,
    actor: Actor,
    idempotency: Idempotency,
    tenants: TenantService,
    request: Request[Any, Any, Any],
) -> Tagged[TenantView]:
    """Make a tenant with a store of its own; you become its owner."""
    once = idempotency.once(Tenant)
    tenant = await tenants.create(data.name, data.slug, actor=actor, once=once)
    return single(TenantView.of(tenant), version=tenant.version, request=request)


@get("/tenants", READ_TENANTS)
async def list_tenants(actor: Actor, page: PageRequest, tenants: TenantService) -> TenantPage:
    """List the tenants that you belong to."""
    found = await tenants.list(page, actor=actor)
    return TenantPage(
        items=[TenantMembershipView.of(tenant) for tenant in found.items],
        next_cursor=found.next_cursor,
    )


@get("/tenants/{tenant_id:str}", READ_TENANTS)
async def get_tenant(
    tenant_id: str, actor: Actor, tenants: TenantService, request: Request[Any, Any, Any]
) -> Tagged[TenantView]:
    """Read a tenant that you belong to."""
    tenant = await tenants.get(as_tenant_id(tenant_id), actor=actor)
    return single(TenantView.of(tenant), version=tenant.version, request=request)


@patch("/tenants/{tenant_id:str}", CHANGE_TENANTS)
async def change_tenant(
    tenant_id: str,
    data: ChangeTenant,
    actor: Actor,
    expected_version: int | None,
    tenants: TenantService,
    request: Request[Any, Any, Any],
) -> Tagged[TenantView]:
    """Change the name or slug of the tenant that you act in."""
    tenant = await tenants.change(
        as_tenant_id(tenant_id),
        TenantChanges(name=data.name, slug=data.slug),
        expected_version=expected_version,
        actor=actor,
    )
    return single(TenantView.of(tenant), version=tenant.version, request=request)


ROUTES: Final = (create_tenant, list_tenants, get_tenant, change_tenant)
