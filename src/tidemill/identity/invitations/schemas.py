"""How invitations look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.core.actor import Role
from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.identity.invitations.models import Invitation, InvitationKind, NewInvitation
from tidemill.identity.invitations.service import Preview
from tidemill.identity.login.schemas import EmailText, PasswordText, TokenText


class CreateInvitation(Body, frozen=True, kw_only=True):
    """An invitation for one address (`single_use`) or for up to `max_uses` people (`group`)."""

    kind: InvitationKind = InvitationKind.SINGLE_USE
    role: Role = Role.MEMBER
    email: EmailText | None = None
    max_uses: Annotated[int, Meta(ge=1, le=1000)] | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=90)] | None = None


class Register(Body, frozen=True, kw_only=True):
    """A new account, by an invitation."""

    token: TokenText
    email: EmailText
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    password: PasswordText


class InvitationToken(Body, frozen=True, kw_only=True):
    """The secret of an invitation."""

    token: TokenText


class InvitationView(View, frozen=True, kw_only=True):
    """An invitation without its secret."""

    id: str
    kind: str
    role: str
    email: str | None
    max_uses: int
    uses: int
    created_by: str
    created_at: str
    expires_at: str
    revoked_at: str | None

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Return the view of `invitation`."""
        return cls(
            id=invitation.id,
            kind=invitation.kind,
            role=invitation.role,
            email=invitation.email,
            max_uses=invitation.uses_max,
            uses=invitation.uses,
            created_by=invitation.created_by,
            created_at=rfc3339(invitation.created_at),
            expires_at=rfc3339(invitation.expires_at),
            revoked_at=rfc3339_or_none(invitation.revoked_at),
        )


class NewInvitationView(View, frozen=True, kw_only=True):
    """A new invitation. `token` is shown this once; it is null when a request is replayed."""

    token: str | None
    id: str
    kind: str
    role: str
    email: str | None
    max_uses: int
    expires_at: str

    @classmethod
    def of(cls, made: NewInvitation) -> Self:
        """Return the view of `made`."""
        view = InvitationView.of(made.invitation)
        return cls(
            token=made.token,
            id=view.id,
            kind=view.kind,
            role=view.role,
            email=view.email,
            max_uses=view.max_uses,
            expires_at=view.expires_at,
        )


class InvitationPreviewView(View, frozen=True, kw_only=True):
    """What an invitation says before it is accepted."""

    tenant_name: str
    role: str
    email: str | None

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Return the view of `preview`."""
        return cls(tenant_name=preview.tenant_name, role=preview.role, email=preview.email)


class AcceptedView(View, frozen=True, kw_only=True):
    """The tenant that one joined."""

    tenant_id: str
    role: str


class InvitationPage(PageView, frozen=True, kw_only=True):
    """A part of the list of invitations, the oldest first."""

    items: list[InvitationView]
