"""How tenants look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.identity.members.models import TenantMembership
from tidemill.identity.tenants.models import Tenant

NameText = Annotated[str, Meta(min_length=1, max_length=100, examples=["Ada's workshop"])]
SlugText = Annotated[str, Meta(min_length=2, max_length=40, examples=["adas-workshop"])]


class CreateTenant(Body, frozen=True, kw_only=True):
    """A new tenant; you become its owner."""

    name: NameText
    slug: SlugText | None = None
    """Made of the name where it is left out."""


class ChangeTenant(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    name: NameText | UnsetType = UNSET
    slug: SlugText | UnsetType = UNSET


class TenantView(View, frozen=True, kw_only=True):
    """A tenant."""

    id: str
    name: str
    slug: str
    state: str
    version: int
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        """Return the view of `tenant`."""
        return cls(
            id=tenant.id,
            name=tenant.name,
            slug=tenant.slug,
            state=tenant.state,
            version=tenant.version,
            created_at=rfc3339(tenant.created_at),
            updated_at=rfc3339(tenant.updated_at),
        )


class TenantMembershipView(View, frozen=True, kw_only=True):
    """A tenant that you belong to, and your role there."""

    id: str
    name: str
    slug: str
    state: str
    role: str
    joined_at: str

    @classmethod
    def of(cls, membership: TenantMembership) -> Self:
        """Return the view of `membership`."""
        return cls(
            id=membership.tenant_id,
            name=membership.name,
            slug=membership.slug,
            state=membership.state,
            role=membership.role,
            joined_at=rfc3339(membership.joined_at),
        )


class TenantPage(PageView, frozen=True, kw_only=True):
    """A part of the list of your tenants, the oldest first."""

    items: list[TenantMembershipView]
