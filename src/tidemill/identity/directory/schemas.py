"""How the users of the installation look on the wire."""

from __future__ import annotations

from typing import Literal, Self

from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.identity.users.models import User


class DisableUser(Body, frozen=True, kw_only=True):
    """`force` closes the account although it leaves a tenant without an active owner."""

    force: bool = False


class UserView(View, frozen=True, kw_only=True):
    """A user of the installation; nobody can log in to an account that is `disabled`."""

    id: str
    email: str
    name: str
    state: Literal["active", "disabled"]
    created_at: str
    last_login_at: str | None

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the view of `user`."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            state="active" if user.disabled_at is None else "disabled",
            created_at=rfc3339(user.created_at),
            last_login_at=rfc3339_or_none(user.last_login_at),
        )


class UserPage(PageView, frozen=True, kw_only=True):
    """A part of the list of users, the oldest account first."""

    items: list[UserView]
