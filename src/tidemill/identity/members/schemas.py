"""How members look on the wire."""

from __future__ import annotations

from typing import Self

from tidemill.core.actor import Actor, Role
from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.identity.members.models import Member, knows_all_of, shows_address


class ChangeMember(Body, frozen=True, kw_only=True):
    """The member's next role."""

    role: Role


class MemberView(View, frozen=True, kw_only=True):
    """A member. Private addresses are shown to owners, admins and their holder."""

    user_id: str
    name: str
    avatar: str | None
    role: Role
    email: str | None
    time_zone: str
    state: str
    joined_at: str
    last_login_at: str | None
    version: int

    @classmethod
    def of(cls, member: Member, *, to: Actor) -> Self:
        """Return the view of `member` for `to`."""
        inner = knows_all_of(member, to)
        login = member.last_login_at
        return cls(
            user_id=member.user_id,
            name=member.name,
            avatar=member.avatar,
            role=Role(member.role),
            email=member.email if shows_address(member, to) else None,
            time_zone=member.time_zone,
            state="active" if member.disabled_at is None else "disabled",
            joined_at=rfc3339(member.joined_at),
            last_login_at=rfc3339(login) if inner and login is not None else None,
            version=member.version,
        )


class MemberPage(PageView, frozen=True, kw_only=True):
    """A part of the list of members, the oldest account first."""

    items: list[MemberView]
