"""Tenants as people see them; their stores are the database's business."""

from __future__ import annotations

import re
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.identity.errors import InvalidSlug
from tidemill.identity.users.models import valid_name

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_RESERVED: Final = frozenset(
    {"api", "admin", "control", "health", "installation", "jobs", "setup", "static", "www", "ws"}
)


class Tenant(Struct, frozen=True):
    """An isolated organisation."""

    id: TenantId
    name: str
    slug: str
    state: str
    created_at: Instant
    updated_at: Instant
    version: int
    created_by: UserId | None = None


class TenantChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays."""

    name: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET


def new_tenant(tenant_id: TenantId, name: str, slug: str, *, by: UserId, now: Instant) -> Tenant:
    """Return a tenant that awaits its store; raises `InvalidName` and `InvalidSlug`."""
    return Tenant(
        tenant_id, valid_name(name), valid_slug(slug), "provisioning", now, now, 1, created_by=by
    )


def changed(tenant: Tenant, changes: TenantChanges, now: Instant) -> Tenant:
    """Return the next version, or `tenant` itself when nothing changes."""
    name = tenant.name if changes.name is UNSET else valid_name(changes.name)
    slug = tenant.slug if changes.slug is UNSET else valid_slug(changes.slug)
    if (name, slug) == (tenant.name, tenant.slug):
        return tenant
    return structs.replace(tenant, name=name, slug=slug, updated_at=now, version=tenant.version + 1)


def valid_slug(text: str) -> str:
    """Return `text` as a slug; raises `InvalidSlug`."""
    if not 2 <= len(text) <= 40 or not _SLUG.fullmatch(text) or text in _RESERVED:
        raise InvalidSlug
    return text


def slug_of(name: str) -> str:
    """Return a slug that a name suggests."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].rstrip("-")
    return words if len(words) >= 2 and words not in _RESERVED else f"{words or 'my'}-team"
