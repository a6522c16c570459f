"""HTTP of invitations."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Idempotency, Public, delete, get, post
from tidemill.identity.invitations.models import Invitation, NewInvitation
from tidemill.identity.invitations.schemas import (
    AcceptedView,
    CreateInvitation,
    InvitationPage,
    InvitationPreviewView,
    InvitationToken,
    InvitationView,
    NewInvitationView,
    Register,
)
from tidemill.identity.invitations.service import InvitationService, Registration, Wanted
from tidemill.identity.login.doorway import Doorway, device_of
from tidemill.identity.login.schemas import TokenView
from tidemill.identity.permissions import (
    ACCEPT_INVITATIONS,
    READ_INVITATIONS,
    WRITE_INVITATIONS,
)
from tidemill.identity.sessions.models import SessionKind

_DOOR: Final = Public(reason="The invitation is the credential of whoever has no account yet.")


@post("/invitations", WRITE_INVITATIONS)
async def create_invitation(
    data: CreateInvitation, actor: Actor, idempotency: Idempotency, invitations: InvitationService
) -> NewInvitationView:
    """Invite people to your tenant, with a role that is at most your own."""
    made = await invitations.create(
        Wanted(
            kind=data.kind,
            role=data.role,
            email=data.email,
            max_uses=data.max_uses,
            expires_in_days=data.expires_in_days,
        ),
        actor=actor,
        once=idempotency.once(NewInvitation, without_secrets=NewInvitation.without_secret),
    )
    return NewInvitationView.of(made)


@get("/invitations", READ_INVITATIONS)
async def list_invitations(
    actor: Actor, page: PageRequest, invitations: InvitationService
) -> InvitationPage:
    """List your tenant's invitations."""
    found = await invitations.list(page, actor=actor)
    return InvitationPage(
        items=[InvitationView.of(invitation) for invitation in found.items],
        next_cursor=found.next_cursor,
    )


@delete("/invitations/{invitation_id:str}", WRITE_INVITATIONS)
async def revoke_invitation(
    invitation_id: str, actor: Actor, invitations: InvitationService
) -> None:
    """End an invitation; who has accepted it stays."""
    await invitations.revoke(invitation_id, actor=actor)


@post("/invitations/acceptances", ACCEPT_INVITATIONS)
async def accept_invitation(
    data: InvitationToken, actor: Actor, idempotency: Idempotency, invitations: InvitationService
) -> AcceptedView:
    """Join another tenant with the account that you have."""
    invitation = await invitations.accept(
        data.token,
        actor=actor,
        once=idempotency.once(Invitation, without_secrets=Invitation.without_secret),
    )
    return AcceptedView(tenant_id=invitation.tenant_id, role=invitation.role)


@post("/invitations/previews", _DOOR, status_code=200)
async def preview_invitation(
    data: InvitationToken,
    request: Request[Any, Any, Any],
    invitations: InvitationService,
    doorway: Doorway,
) -> InvitationPreviewView:
    """Read what an invitation says before you accept it."""
    await doorway.admit(request)
    return InvitationPreviewView.of(await invitations.preview(data.token))


@post("/auth/registrations", _DOOR)
async def register(
    data: Register,
    request: Request[Any, Any, Any],
    invitations: InvitationService,
    doorway: Doorway,
) -> TokenView:
    """Make an account by an invitation, and log in with it."""
    origin = await doorway.admit(request)
    registration = Registration(
        token=data.token, email=data.email, name=data.name, password=data.password
    )
    device = device_of(request, SessionKind.TOKENS)
    return TokenView.of(await invitations.register(registration, device, origin))


ROUTES: Final = (
    create_invitation,
    list_invitations,
    revoke_invitation,
    accept_invitation,
    preview_invitation,
    register,
)
