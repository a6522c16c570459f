"""How people see their own account on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.core.actor import Actor
from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, View
from tidemill.identity.profiles.service import Me
from tidemill.identity.users.models import User, Visibility


class ChangeProfile(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    avatar: Annotated[str, Meta(max_length=500)] | UnsetType | None = UNSET
    time_zone: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET


class ProfileView(View, frozen=True, kw_only=True):
    """A person's account as it sees it itself."""

    id: str
    email: str
    name: str
    avatar: str | None
    time_zone: str
    visibility: Visibility
    version: int
    created_at: str
    updated_at: str
    last_login_at: str | None
    password_changed_at: str | None

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the view of `user`."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            avatar=user.avatar,
            time_zone=user.time_zone,
            visibility=Visibility(user.visibility),
            version=user.version,
            created_at=rfc3339(user.created_at),
            updated_at=rfc3339(user.updated_at),
            last_login_at=rfc3339_or_none(user.last_login_at),
            password_changed_at=rfc3339_or_none(user.password_changed_at),
        )


class MyTenantView(View, frozen=True, kw_only=True):
    """A tenant that one belongs to, and with which role."""

    id: str
    name: str
    slug: str
    role: str


class MeView(View, frozen=True, kw_only=True):
    """Who acts, in which tenant, and with which rights.

    `csrf_token` is there for a browser's session: its unsafe requests repeat it.
    """

    kind: str
    user: ProfileView
    tenant: MyTenantView
    role: str | None
    scopes: list[str] | None
    session_id: str | None
    csrf_token: str | None
    tenants: list[MyTenantView]

    @classmethod
    def of(cls, me: Me, actor: Actor, csrf_token: str | None) -> Self:
        """Return the view of `me`."""
        return cls(
            kind=actor.kind,
            user=ProfileView.of(me.user),
            tenant=MyTenantView(
                id=me.tenant.id, name=me.tenant.name, slug=me.tenant.slug, role=me.role or ""
            ),
            role=me.role,
            scopes=None if actor.scopes is None else sorted(actor.scopes),
            session_id=actor.session_id,
            csrf_token=csrf_token,
            tenants=[
                MyTenantView(id=t.tenant_id, name=t.name, slug=t.slug, role=t.role)
                for t in me.tenants
            ],
        )
