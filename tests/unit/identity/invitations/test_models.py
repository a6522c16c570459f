from __future__ import annotations

import pytest
from msgspec import structs

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.identity.errors import InvalidInvitation
from tidemill.identity.invitations.models import Invitation, InvitationKind, uses_of

SINGLE, GROUP = InvitationKind.SINGLE_USE, InvitationKind.GROUP


def _invitation() -> Invitation:
    return Invitation(
        TenantId("t1"),
        "i1",
        "p",
        "h",
        "single_use",
        "member",
        "Ada@Example.org",
        1,
        0,
        UserId("u1"),
        Instant(0),
        Instant(100),
    )


@pytest.mark.parametrize(
    ("kind", "email", "wanted", "uses"),
    [
        (SINGLE, "a@b.c", None, 1),
        (SINGLE, "a@b.c", 1, 1),
        (GROUP, None, None, 2),
        (GROUP, None, 1000, 1000),
    ],
)
def test_uses_of_follows_the_kind(
    kind: InvitationKind, email: str | None, wanted: int | None, uses: int
) -> None:
    assert uses_of(kind, email, wanted) == uses


@pytest.mark.parametrize(
    ("kind", "email", "wanted"),
    [
        (SINGLE, None, None),
        (SINGLE, "a@b.c", 2),
        (GROUP, "a@b.c", None),
        (GROUP, None, 1),
        (GROUP, None, 1001),
    ],
)
def test_uses_of_refuses_what_does_not_fit(
    kind: InvitationKind, email: str | None, wanted: int | None
) -> None:
    with pytest.raises(InvalidInvitation):
        uses_of(kind, email, wanted)


def test_holds_until_used_expired_or_revoked() -> None:
    invitation = _invitation()

    assert invitation.holds(Instant(99))
    assert not invitation.holds(Instant(100))
    assert not structs.replace(invitation, uses=1).holds(Instant(1))
    assert not structs.replace(invitation, revoked_at=Instant(1)).holds(Instant(1))


def test_suits_compares_addresses_without_case() -> None:
    assert _invitation().suits("ada@example.org")
    assert not _invitation().suits("eve@example.org")
    assert structs.replace(_invitation(), email=None).suits("eve@example.org")
