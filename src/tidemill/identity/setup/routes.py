"""HTTP of the set-up by the command line, over the data directory's own socket."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from tidemill.core.actor import Actor
from tidemill.http import Body, View, post
from tidemill.identity.login.doorway import Doorway
from tidemill.identity.permissions import CREATE_OWNER
from tidemill.identity.setup.service import NewOwner, SetupService
from tidemill.identity.tenants.models import slug_of


class CreateOwner(Body, frozen=True, kw_only=True):
    """The first owner and its tenant; what is left out follows from the e-mail address."""

    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
    password: Annotated[str, msgspec.Meta(min_length=8, max_length=128)]
    name: str | None = None
    tenant_name: str | None = None
    tenant_slug: str | None = None

    def owner(self) -> NewOwner:
        """Return the body with its gaps filled."""
        name = self.name or self.email.partition("@")[0]
        tenant_name = self.tenant_name or f"{name}'s team"
        return NewOwner(
            email=self.email,
            password=self.password,
            name=name,
            tenant_name=tenant_name,
            tenant_slug=self.tenant_slug or slug_of(tenant_name),
        )


class OwnerView(View, frozen=True, kw_only=True):
    """The owner that was made, and the address where it logs in."""

    user_id: str
    email: str
    url: str


@post("/owners", CREATE_OWNER, include_in_schema=False)
async def create_owner(
    data: CreateOwner, actor: Actor, setup: SetupService, doorway: Doorway
) -> OwnerView:
    """Make the first owner; only from the machine that keeps the data directory."""
    user_id = await setup.create_owner(data.owner(), actor.origin)
    return OwnerView(user_id=user_id, email=data.email, url=doorway.url)


ROUTES: Final = (create_owner,)
